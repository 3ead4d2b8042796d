"""A reader of the reference, the rate limits and the operator's pages, at a browser."""

from playwright.sync_api import expect

from tests.browser import chromium
from tests.browser.steps import DEMO
from tests.browser.visitor import SMALL_PHONE, Visitor

pytestmark = chromium.NEEDED

MESSAGES = "/docs/reference/messages"


def test_a_link_to_a_folded_field_opens_what_it_is_in(visitor: Visitor) -> None:
    page = visitor.page
    page.goto(f"{MESSAGES}#tools-custom-input_schema")
    expect(page.locator("#tools-custom-input_schema")).to_be_in_viewport()

    page.goto(f"{MESSAGES}#answer-usage-credits_consumed")
    expect(page.locator("#answer-usage-credits_consumed")).to_be_in_viewport()


def test_everything_unfolded_is_accessible_and_fits(visitor: Visitor) -> None:
    page = visitor.page
    page.goto(MESSAGES)
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    visitor.glance()


def test_the_state_of_the_limits_arrives_by_itself(visitor: Visitor) -> None:
    page = visitor.page
    page.goto("/docs/rate-limits")
    page.locator("article").get_by_role("link", name="Sign in").click()
    page.get_by_label("Email").fill(DEMO.email)
    page.get_by_label("Password", exact=True).fill(DEMO.password)
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("heading", level=1, name="Rate limits")).to_be_visible()
    expect(page.get_by_text("Requests a minute", exact=True)).to_be_visible()
    expect(page.get_by_role("meter", name="Requests used")).to_be_visible()
    visitor.examine(sizes=(SMALL_PHONE,))


def test_terms_privacy_and_support_are_accessible(visitor: Visitor) -> None:
    for name, heading in (
        ("Terms", "Terms of use"),
        ("Privacy", "Privacy"),
        ("Support", "Support"),
    ):
        visitor.page.goto("/")
        visitor.page.get_by_role("contentinfo").get_by_role("link", name=name).click()
        expect(visitor.page.get_by_role("heading", level=1, name=heading)).to_be_visible()
        visitor.glance()
