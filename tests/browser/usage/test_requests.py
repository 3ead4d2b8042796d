"""A person looks calls up: the log with its filters and live tail, and the receipt of one."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import chromium
from tests.browser.console_models import ATLAS, GRAND
from tests.browser.console_page import Console
from tests.browser.product import Product
from tests.browser.visitor import Visitor
from tests.support.callers import Caller
from tests.support.replies import says
from tests.support.scripted_upstream import ScriptedUpstream

pytestmark = chromium.NEEDED

LOG = "/developers/usage/requests"
Ask = Callable[[str], str]


@pytest.fixture
def ask(member: Visitor, running_product: Product, upstream: ScriptedUpstream) -> Ask:
    """Stream an answer of a model with a new key; return the request id."""
    page = member.page
    page.goto("/developers/keys/new")
    page.get_by_label("Name").fill("log")
    page.get_by_role("button", name="Create key").click()
    caller = Caller(running_product.url, page.locator("#token").inner_text())

    def answered(model: str) -> str:
        script = upstream.script(says("Hello there"))
        answer = caller.ask(script.prompt, model=model, stream=True)
        assert answer.status == 200
        return str(answer.headers["request-id"])

    return answered


def shows_newest(page: Page, request_id: str) -> None:
    """Wait until the log begins with this call."""
    link = page.locator(".log tbody a").first
    expect(link).to_have_attribute("href", f"{LOG}/{request_id}")


def test_a_call_is_found_filtered_and_explained(member: Visitor, ask: Ask) -> None:
    first, second = ask(GRAND), ask(ATLAS)
    page = member.page

    page.goto("/developers/usage")
    page.locator("#all-requests").click()
    member.look_at("Requests")
    shows_newest(page, second)

    page.locator("#log-model").focus()
    page.locator("#log-model").select_option(GRAND)
    expect(page).to_have_url(re.compile("model=caicaini"))
    shows_newest(page, first)
    expect(page.locator("#log-model")).to_be_focused()
    # During a transition from light to dark, colours have the contrast of neither.
    page.emulate_media(reduced_motion="reduce")
    member.examine()
    page.get_by_role("link", name=f"Model {GRAND}").click()
    shows_newest(page, second)

    page.get_by_label("Request id, tag or session").fill(first)
    page.keyboard.press("Enter")
    member.look_at("Request receipt")
    expect(page.get_by_text("Receipt and ledger agree.")).to_be_visible()
    expect(page.get_by_role("region", name="How it adds up")).to_contain_text("Charged")

    page.get_by_role("link", name="Ledger entry").click()
    entry = page.locator("tr:target")
    expect(entry).to_contain_text(first)
    entry.get_by_role("link", name="Usage").click()
    expect(page).to_have_url(re.compile(f"{first}$"))
    page.get_by_role("link", name="Newer").click()
    expect(page).to_have_url(re.compile(f"{second}$"))


def test_new_calls_appear_in_the_log_until_it_is_paused(member: Visitor, ask: Ask) -> None:
    page = member.page
    first = ask(GRAND)
    page.goto(LOG)
    shows_newest(page, first)
    live, paused = (page.get_by_text(word, exact=True) for word in ("Live", "Paused"))
    expect(live).to_be_visible()

    second = ask(GRAND)
    shows_newest(page, second)
    page.locator(".log tbody a").first.hover()
    expect(paused).to_be_visible()
    page.mouse.move(0, 0)
    expect(live).to_be_visible()
    page.locator(".log tbody a").first.focus()
    expect(paused).to_be_visible()
    third = ask(GRAND)
    page.get_by_role("button", name="Pause").click()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # which polls at once
    shows_newest(page, second)

    page.get_by_role("button", name="Pause").click()
    expect(live).to_be_visible()
    shows_newest(page, third)


def test_a_run_of_the_console_leads_to_its_receipt(
    console: Console, upstream: ScriptedUpstream
) -> None:
    console.choose_model(GRAND)
    console.write(upstream.script(says("Hello there")).prompt)
    console.run()
    console.wait_for_end()
    [id] = console.request_ids()

    console.page.get_by_role("link", name="Whole receipt").click()

    expect(console.page).to_have_url(re.compile(f"{LOG}/{id}$"))
    expect(console.page.get_by_role("heading", level=1)).to_contain_text("Request receipt")
    expect(console.page.get_by_text("None: from the console")).to_be_visible()


def test_without_scripts_the_filters_are_a_form(
    member: Visitor, ask: Ask, browser: Browser, running_product: Product
) -> None:
    first = ask(GRAND)
    ask(ATLAS)
    plain = Visitor(
        browser, home=running_product.url, session=member.session(), has_javascript=False
    )
    page = plain.page
    page.goto(LOG)
    page.locator("#log-model").select_option(GRAND)
    page.get_by_role("button", name="Apply").click()

    shows_newest(page, first)
    expect(page.get_by_text("Live", exact=True)).to_be_hidden()
