"""Small kindnesses of the pages about accounts and money, in a browser."""

import json
import re
from collections.abc import Iterator
from itertools import pairwise

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser import chromium
from tests.browser.product import Product
from tests.browser.shell import Shell
from tests.browser.steps import Person
from tests.browser.visitor import DESKTOP, SMALL_PHONE, Visitor
from tests.support.people import PASSWORD

pytestmark = chromium.NEEDED

PERSON = Person("mannered@example.com", PASSWORD)
_WORKSPACE = f"""
from accounts.models import User
from billing.ledger import grants, wallets
from tests.support.books import Books, booked
from tests.support.people import workspace_of
person = User.objects.get(email={PERSON.email!r})
workspace = workspace_of(person)
books = Books(person, workspace, wallets.wallet_of(workspace).pk)
"""
_PERSON = f"""
from tests.support.people import new_person
new_person({PERSON.email!r})
{_WORKSPACE}
booked(books.top_up(500_000), refunded=500_000)
"""
_LEAST_GAP_PX = 6
# Where the visible words of each entry begin and end.
_WORDS_ACROSS = """
    () => [...document.querySelectorAll(".side-link")].map((link) => {
        const range = document.createRange();
        const words = document.createTreeWalker(link, NodeFilter.SHOW_TEXT);
        while (words.nextNode()) {
            range.selectNodeContents(words.currentNode);
            const box = range.getBoundingClientRect();
            if (words.currentNode.data.trim() && box.width) return [box.left, box.right];
        }
    })
"""
INVISIBLE = "\N{ZERO WIDTH SPACE}" * 3


@pytest.fixture(scope="module")
def person(browser: Browser, running_product: Product) -> Iterator[Page]:
    """The page of a person whose one top-up was refunded, signed in once for all tests here."""
    running_product.run_code(_PERSON)
    visitor = Visitor(browser, home=running_product.url)
    visitor.expect_failures("422")
    page = visitor.page
    page.goto("/accounts/login/?next=/developers/settings")
    sign_in(page, PERSON.password)
    expect(page.get_by_role("heading", level=1, name="Settings")).to_be_visible()
    yield page
    page.context.close()
    assert visitor.faults == []


def sign_in(page: Page, password: str) -> None:
    page.get_by_label("Email").fill(PERSON.email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def set_balance(product: Product, credits: int) -> None:
    """Grant or take credits until the balance is this."""
    product.run_code(
        f"{_WORKSPACE}\nmissing = {credits} - books.wallet().posted\n"
        "if missing: grants.grant(workspace=workspace, credits=missing, reason='Set')"
    )


def confirm_password(page: Page, *, then: str) -> None:
    """Give the password, which pages about credentials ask for after five minutes."""
    page.goto(f"/accounts/reauthenticate/?next={then}")
    page.get_by_label("Password", exact=True).fill(PERSON.password)
    page.get_by_role("main").locator("form button[type=submit]").click()


def say(page: Page, text: str) -> Locator:
    return page.get_by_role("main").get_by_text(text)


def test_the_one_field_of_a_page_has_the_focus(visitor: Visitor, person: Page) -> None:
    for page, address, label in (
        (visitor.page, "/accounts/login/", "Email"),
        (visitor.page, "/accounts/signup/", "Email"),
        (visitor.page, "/accounts/password/reset/", "Email"),
        (person, "/developers/keys/new", "Name"),
        (person, "/accounts/email/", "New email address"),
    ):
        if address == "/accounts/email/":
            confirm_password(page, then=address)
        else:
            page.goto(address)
        expect(page.get_by_label(label)).to_be_focused()


def test_a_wrong_password_focuses_its_field_and_keeps_the_address(
    visitor: Visitor, person: Page
) -> None:
    visitor.page.goto("/accounts/login/")

    sign_in(visitor.page, "not that one")

    expect(visitor.page.get_by_label("Password", exact=True)).to_be_focused()
    expect(visitor.page.get_by_label("Email")).to_have_value(PERSON.email)


def test_a_mail_that_did_not_come_is_asked_for_again(visitor: Visitor) -> None:
    page = visitor.page
    page.goto("/accounts/signup/")
    page.get_by_label("Email").fill("patient@example.com")
    page.get_by_label("Password", exact=True).fill(" " * 10)
    page.get_by_role("button", name="Sign up", exact=True).click()
    expect(page.get_by_role("main")).to_contain_text("A password needs more than spaces.")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign up", exact=True).click()

    page.get_by_role("button", name="Send it again").click()

    expect(page.get_by_role("main")).to_contain_text("less than three minutes ago")


def test_a_new_address_has_words_of_its_own_and_can_wait(person: Page) -> None:
    confirm_password(person, then="/accounts/email/")
    person.get_by_label("New email address").fill("moved@example.com")
    person.get_by_role("button", name="Send the confirmation").click()
    expect(person.get_by_role("main")).to_contain_text("moved@example.com")

    person.goto("/accounts/email/")
    person.get_by_role("button", name="Send the mail again").click()
    expect(person.get_by_role("main")).to_contain_text("less than three minutes ago")
    person.goto("/development/mail")
    person.get_by_role("link", name="Confirm your new address for Caicaini").first.click()
    expect(person.get_by_role("main")).to_contain_text(f"instead of {PERSON.email}")
    person.get_by_role("main").get_by_role("link", name="/accounts/confirm-email/").click()
    expect(person.get_by_role("heading", name="Confirm your new address")).to_be_visible()

    person.goto("/accounts/email/")
    person.get_by_role("button", name="Cancel the change").click()
    expect(person.get_by_role("button", name="Cancel the change")).to_have_count(0)
    expect(person.get_by_role("definition")).to_have_text(PERSON.email)


def test_a_dismissed_checklist_is_had_back(person: Page) -> None:
    person.goto("/developers/?again")
    person.get_by_role("button", name="Dismiss this list").click()
    sections = person.get_by_role("navigation", name="Developers")
    expect(sections.get_by_role("link", name="Get started")).to_have_count(0)

    person.goto("/developers/settings")
    person.get_by_role("button", name="Show the first steps again").click()

    expect(person.get_by_role("heading", name="Three steps to get started")).to_be_visible()
    expect(sections.get_by_role("link", name="Get started")).to_be_visible()


def test_the_words_of_the_navigation_stand_apart_on_the_smallest_phone(person: Page) -> None:
    person.set_viewport_size(SMALL_PHONE)
    person.goto("/developers/?again")

    sections = person.get_by_role("navigation", name="Developers")
    expect(sections.get_by_role("link")).to_have_count(6)
    words = person.evaluate(_WORDS_ACROSS)
    gaps = [right[0] - left[1] for left, right in pairwise(words)]
    assert len(words) == 6
    assert min(gaps) >= _LEAST_GAP_PX, words
    assert words[-1][1] <= SMALL_PHONE["width"]
    person.set_viewport_size(DESKTOP)


def test_the_first_steps_show_a_refused_call_instead_of_waiting(person: Page, shell: Shell) -> None:
    person.goto("/developers/keys/new")
    person.get_by_label("Name").fill("refused")
    person.get_by_role("main").get_by_role("button", name="Create key").click()
    call = person.locator("#first-call-sample-curl").inner_text()
    person.get_by_role("link", name="I have stored it").click()
    person.goto("/developers/?again")
    expect(say(person, "Waiting for your call.")).to_be_visible()

    refusal = shell.run(call.replace("caicaini/auto", "caicaini/nothing"))

    assert refusal.status == 404
    expect(person.get_by_role("main")).to_contain_text("A call was refused")
    expect(person.get_by_role("main")).to_contain_text(refusal.json()["error"]["message"])


def test_a_name_that_nobody_can_see_is_refused(person: Page) -> None:
    person.goto("/developers/keys/new")
    person.get_by_label("Name").fill(INVISIBLE)

    person.get_by_role("main").get_by_role("button", name="Create key").click()

    expect(person.get_by_role("main")).to_contain_text("Give the key a name that can be seen.")


@pytest.mark.parametrize("typed", ["1e2", "1_000", "12,50", "\u0661\u0662", "\uff11\uff12", "-20"])
def test_an_amount_that_can_mean_two_things_buys_nothing(person: Page, typed: str) -> None:
    person.goto("/developers/billing")
    person.get_by_label("Another amount").check()
    field = person.get_by_label("Amount in dollars")
    field.fill(typed)
    expect(person.locator("output")).to_have_text("")

    person.get_by_role("button", name="Continue to payment").click()

    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value(typed)


def test_an_amount_is_taken_as_people_type_it(person: Page) -> None:
    person.goto("/developers/billing")
    person.get_by_label("Another amount").check()
    for typed, credits in (
        *((text, "2,000,000") for text in ("$20", " 20 ", "20.00", "$ 20")),
        ("1,000", "100,000,000"),
    ):
        person.get_by_label("Amount in dollars").fill(typed)

        expect(person.locator("output")).to_contain_text(f"= {credits} credits")
        person.get_by_label("Amount in dollars").fill("")


def test_the_balance_says_in_words_when_it_is_low_empty_or_overdrawn(
    person: Page, running_product: Product
) -> None:
    pill = person.get_by_role("banner").locator("#balance")
    for credits, word in ((5_000, ""), (900, "Running low"), (0, "Empty")):
        set_balance(running_product, credits)
        person.goto("/developers/billing")
        expect(pill.locator(".number")).to_have_text(f"{credits:,}")
        expect(pill.locator(".pill-level")).to_have_text([word] if word else [])
    person.goto("/developers/?again")
    expect(say(person, "No credits are left")).to_be_visible()

    running_product.run_code(
        f"{_WORKSPACE}\ntop_up = books.top_up(500_000)\n"
        "grants.grant(workspace=workspace, credits=-400_000, reason='Spent')\n"
        "booked(top_up, refunded=500_000)"
    )

    person.goto("/developers/billing")
    expect(pill).to_contain_text("Overdrawn")
    five = person.locator("label.amount").first
    expect(five).to_contain_text("400,000 of them repay what is owed")
    person.get_by_label("Another amount").check()
    person.get_by_label("Amount in dollars").fill("20")
    expect(person.locator("output")).to_contain_text("400,000")


def test_tables_have_text_of_14_pixels_and_whole_facts(
    person: Page, running_product: Product
) -> None:
    person.goto("/developers/billing")

    row = person.get_by_role("region", name="Ledger").locator("tbody tr").first
    assert row.evaluate("(one) => getComputedStyle(one.closest('table')).fontSize") == "14px"
    expect(row).to_contain_text(re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"))
    expect(row).to_contain_text("$")
    assert person.locator("main [title]:not(time)").count() == 0  # the local time is one more


def test_the_ledger_is_filtered_and_taken_away_as_it_is_shown(person: Page) -> None:
    person.goto("/developers/billing")
    person.get_by_role("link", name="All movements").click()
    ledger = person.get_by_role("region", name="Ledger")
    expect(ledger.locator("tbody th", has_text="Refund")).not_to_have_count(0)

    person.get_by_label("Kind").focus()
    person.get_by_label("Kind").select_option("grant")

    expect(person).to_have_url(re.compile(r"kind=grant"))
    expect(ledger.locator("tbody th", has_text="Refund")).to_have_count(0)
    expect(person.get_by_label("Kind")).to_be_focused()
    with person.expect_download() as download:
        person.get_by_role("link", name="JSON Lines").click()
    first, *rows = [json.loads(line) for line in download.value.path().read_text().splitlines()]
    amounts = ledger.locator("[data-label=Credits] data")
    shown = [int(str(one.get_attribute("value"))) for one in amounts.all()]
    assert [row["credits"] for row in reversed(rows)] == shown
    assert first == {"rows": len(shown), "credits": sum(shown)}
    expect(person.locator(".ledger-totals")).to_contain_text(f"{sum(shown):+,}".replace("-", "−"))

    person.get_by_label("From").fill("2199-01-01")
    expect(person.get_by_role("heading", name="No movement passes this filter")).to_be_visible()
    expect(person.get_by_role("link", name="JSON Lines")).to_have_count(0)
    person.get_by_role("link", name="Clear the filter").click()
    ledger.get_by_role("link", name="Refund").last.click()
    expect(person.get_by_role("heading", level=1, name="Top-up of $5.00")).to_be_visible()
    expect(person.get_by_role("heading", name="This top-up is refunded")).to_be_visible()


def test_a_printed_statement_adds_up_and_has_no_controls(person: Page) -> None:
    person.goto("/developers/billing/statements")
    person.get_by_role("row").filter(has_text="so far").get_by_role("link").first.click()
    expect(person.get_by_role("heading", name="Statement of")).to_be_visible()

    person.emulate_media(media="print")

    for hidden in ("banner", "navigation", "contentinfo"):
        expect(person.get_by_role(hidden)).to_have_count(0)
    expect(person.get_by_role("link", name="Download CSV")).to_be_hidden()
    cells = person.locator(".statement tr > :nth-child(3)").all_inner_texts()[1:]
    opening, *moved, closing = [int(re.sub(r"[,+]", "", text).replace("−", "-")) for text in cells]
    assert moved
    assert opening + sum(moved) == closing
    person.emulate_media(media="screen")
