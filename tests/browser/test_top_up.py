"""A user pays on the sandbox's page and receives the credits, on the running product."""

import json
import re

import pytest
from playwright.sync_api import expect

from stripe_sandbox.client import Sandbox
from tests.browser import chromium
from tests.browser.product import Product
from tests.browser.visitor import Visitor

pytestmark = chromium.NEEDED

GOOD_CARD = "4242 4242 4242 4242"
BAD_CARD = "4000 0000 0000 0002"


@pytest.fixture
def sandbox(running_product: Product) -> Sandbox:
    endpoints = json.loads((running_product.data_dir / "embedded.json").read_text())
    return Sandbox(endpoints["stripe_api_base"])


@pytest.fixture
def buyer(visitor: Visitor, sandbox: Sandbox) -> Visitor:
    """The demo user on the billing page."""
    visitor.expect_to_visit(sandbox.url.replace("127.0.0.1", "localhost"))
    page = visitor.page
    page.goto("/developers/billing")
    page.get_by_label("Email").fill("demo@example.com")
    page.get_by_label("Password", exact=True).fill("caicaini-demo")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Billing")).to_be_visible()
    return visitor


def balance(visitor: Visitor) -> int:
    return int(visitor.page.locator("#balance .number").inner_text().replace(",", ""))


def test_credits_land_after_a_cancelled_try_and_a_declined_card(buyer: Visitor) -> None:
    page, before = buyer.page, balance(buyer)
    page.get_by_label("Another amount").check()
    page.get_by_label("Amount in dollars").fill("12.34")
    expect(page.get_by_text("= 1,234,000 credits")).to_be_visible()
    buyer.look_at("Billing")

    page.get_by_role("button", name="Continue to payment").click()
    expect(page.get_by_text("1,234,000 apiCredits")).to_be_visible()
    first_page = page.url
    page.get_by_role("link", name="Go back").click()
    expect(page.get_by_text("Nothing was paid so far.")).to_be_visible()
    expect(page.get_by_label("Amount in dollars")).to_have_value("12.34")
    buyer.look_at("Billing")

    page.get_by_role("button", name="Continue to payment").click()
    expect(page).to_have_url(first_page)
    pay_with(buyer, BAD_CARD)
    expect(page.get_by_text("Your card was declined")).to_be_visible()
    pay_with(buyer, GOOD_CARD)

    expect(page.get_by_role("heading", name="1,234,000 credits have landed")).to_be_visible()
    expect(page.locator("#balance .number")).to_have_text(f"{before + 1_234_000:,}")
    buyer.look_at("Top-up of $12.34")
    page.get_by_role("main").get_by_role("link", name="Billing").click()
    top_ups = page.get_by_role("region", name="Top-ups")
    expect(top_ups.get_by_role("row", name="$12.34").get_by_text("Paid")).to_be_visible()
    buyer.look_at("Billing")


def test_an_open_page_shows_a_later_settlement_and_a_dispute(
    buyer: Visitor, sandbox: Sandbox
) -> None:
    """All changes after the payment page arrive by the webhook and the worker alone."""
    page, before = buyer.page, balance(buyer)
    page.get_by_role("button", name="Continue to payment").click()
    expect(page).to_have_url(re.compile("/c/pay/"))
    session = page.url.rpartition("/")[2]
    page.get_by_role("button", name="Bank debit, succeeds later").click()
    expect(page.get_by_role("heading", name="Your bank is working on it")).to_be_visible()
    buyer.look_at("Top-up of $20.00")

    sandbox.settle(session)
    expect(page.get_by_role("heading", name="2,000,000 credits have landed")).to_be_visible()

    page.get_by_role("main").get_by_role("link", name="Billing").click()
    dispute = sandbox.open_dispute(session)
    expect(page.locator("#movements")).to_contain_text("Disputed")
    expect(page.locator("#balance .number")).to_have_text(f"{before:,}")
    buyer.look_at("Billing")
    sandbox.close_dispute(dispute["id"], "won")
    expect(page.locator("#movements")).to_contain_text("Dispute over the top-up won")
    expect(page.locator("#balance .number")).to_have_text(f"{before + 2_000_000:,}")


def test_going_back_from_a_payment_that_another_tab_has_made(buyer: Visitor) -> None:
    page = buyer.page
    page.get_by_role("button", name="Continue to payment").click()
    expect(page).to_have_url(re.compile("/c/pay/"))
    payment = page.url
    page.get_by_role("link", name="Go back").click()
    expect(page.get_by_text("Nothing was paid so far.")).to_be_visible()

    other = page.context.new_page()
    other.goto(payment)
    other.get_by_label("Card number").fill(GOOD_CARD)
    other.get_by_role("button", name="Pay $").click()
    expect(other.get_by_role("heading", name="credits have landed")).to_be_visible()

    expect(page.locator("#returned")).to_contain_text("This top-up is paid")
    page.reload()  # what Back does to a page that is not kept
    expect(page.get_by_role("heading", name="credits have landed")).to_be_visible()


def test_a_top_up_that_awaits_payment_can_be_cancelled(buyer: Visitor) -> None:
    page = buyer.page
    page.get_by_label("Another amount").check()
    page.get_by_label("Amount in dollars").fill("$7.77")
    expect(page.get_by_text("= 777,000 credits")).to_be_visible()
    page.get_by_role("button", name="Continue to payment").click()
    page.get_by_role("link", name="Go back").click()
    row = page.get_by_role("row", name="$7.77")

    row.get_by_role("button", name="Cancel").click()

    expect(page.get_by_text("The payment page for $7.77 is closed.")).to_be_visible()
    expect(row).to_contain_text("Cancelled")
    row.get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="You closed this payment page")).to_be_visible()
    buyer.look_at("Top-up of $7.77")


def pay_with(visitor: Visitor, number: str) -> None:
    visitor.page.get_by_label("Card number").fill(number)
    visitor.page.get_by_role("button", name="Pay $").click()
