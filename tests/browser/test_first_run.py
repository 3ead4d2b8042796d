"""A new user's whole path, from the landing page to a revoked key, on the running product."""

from playwright.sync_api import expect

from tests.browser import answers, chromium, steps
from tests.browser.product import Product
from tests.browser.shell import Shell
from tests.browser.steps import Person
from tests.browser.visitor import Visitor

pytestmark = chromium.NEEDED

NEWCOMER = Person("newcomer@example.com", "twelve grey geese")
NEWCOMER_LATER = NEWCOMER._replace(password="thirteen grey geese")
WELCOME_CREDITS = 10_000


def test_a_newcomer_calls_a_model_sees_the_credits_leave_and_revokes_the_key(
    visitor: Visitor, shell: Shell, running_product: Product
) -> None:
    steps.sign_up(visitor, NEWCOMER)
    expect(visitor.page.get_by_role("main")).to_contain_text("10,000 credits, worth $0.10")
    steps.expect_balance(visitor, WELCOME_CREDITS)
    key = steps.create_key(visitor, name="first steps")

    first = answers.credits_of_answer(shell.run(key.plain_call).json())
    expect(visitor.page.get_by_text("The first call with “first steps” arrived.")).to_be_visible()
    steps.expect_balance(visitor, WELCOME_CREDITS - first)
    streams = stream_until_one_trickles(shell, key.streaming_call)
    balance = WELCOME_CREDITS - first - sum(streams)
    steps.expect_balance(visitor, balance)
    visitor.look_at("“first steps” is ready")

    expect_key_is_gone(visitor, key.token)
    assert running_product.files_with(key.token) == []
    calls = [*reversed(streams), first]
    expect_calls_on_usage_page(visitor, calls)
    expect_entries_on_billing_page(visitor, [*(-credits for credits in calls), WELCOME_CREDITS])

    steps.revoke_key(visitor, name="first steps")
    refusal = shell.run(key.plain_call)
    assert refusal.status == 401
    answers.expect_error(refusal.json(), error_type="authentication_error")

    steps.sign_out(visitor)
    steps.sign_in(visitor, NEWCOMER)
    steps.sign_out(visitor)
    steps.choose_new_password(visitor, NEWCOMER_LATER)
    steps.sign_in(visitor, NEWCOMER_LATER)
    steps.expect_balance(visitor, balance)


def stream_until_one_trickles(shell: Shell, call: str) -> list[int]:
    """Return the price of each call. A short stream may arrive in one piece: then try again."""
    prices = []
    for _ in range(3):
        pieces = list(shell.pieces(call))
        prices.append(answers.credits_of_stream(pieces))
        if answers.trickled(pieces):
            return prices
    raise AssertionError("no stream came in pieces")


def expect_key_is_gone(visitor: Visitor, token: str) -> None:
    """Leave the page of the new key, and go back: the key's own page does not show it."""
    page = visitor.page
    page.get_by_role("link", name="I have stored it").click()
    visitor.look_at("API keys")
    page.go_back()
    visitor.look_at("first steps")
    expect(page.get_by_text("The key itself was shown once")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("cai_api_")
    assert token not in page.content()


def expect_calls_on_usage_page(visitor: Visitor, credits: list[int]) -> None:
    """Check the calls, newest first."""
    page = visitor.page
    steps.open_section(visitor, "Usage")
    log = page.get_by_role("region", name="Calls")
    expect(log.locator("[data-label=Credits]")).to_have_text([f"{amount:,}" for amount in credits])
    expect(log.get_by_role("row", name="first steps")).to_have_count(len(credits))
    visitor.look_at("Usage")


def expect_entries_on_billing_page(visitor: Visitor, amounts: list[int]) -> None:
    """Check the ledger entries, newest first."""
    steps.open_section(visitor, "Billing")
    ledger = visitor.page.get_by_role("region", name="Ledger")
    signed = [f"{amount:+,}".replace("-", "−") for amount in amounts]
    expect(ledger.locator("[data-label=Credits]")).to_have_text(signed)
    visitor.look_at("Billing")
