"""The page of a top-up in every state that a payment can have, as Stripe brings it about."""

import json
import re
from collections.abc import Iterator
from itertools import count

import psycopg
import pytest
from playwright.sync_api import Browser, expect

from stripe_sandbox.client import Sandbox
from tests.browser import chromium
from tests.browser.product import Product
from tests.browser.steps import DEMO
from tests.browser.visitor import DESKTOP, SMALL_PHONE, Visitor
from tests.support.waiting import eventually

pytestmark = chromium.NEEDED
_cents = count(1)


@pytest.fixture(scope="module")
def endpoints(running_product: Product) -> dict[str, str]:
    found: dict[str, str] = json.loads((running_product.data_dir / "embedded.json").read_text())
    return found


@pytest.fixture(scope="module")
def sandbox(endpoints: dict[str, str]) -> Sandbox:
    return Sandbox(endpoints["stripe_api_base"])


@pytest.fixture(scope="module")
def buyer(browser: Browser, running_product: Product, sandbox: Sandbox) -> Iterator[Visitor]:
    """The demo user, signed in once for all tests here."""
    visitor = Visitor(browser, home=running_product.url)
    visitor.expect_to_visit(sandbox.url.replace("127.0.0.1", "localhost"))
    page = visitor.page
    page.goto("/developers/billing")
    page.get_by_label("Email").fill(DEMO.email)
    page.get_by_label("Password", exact=True).fill(DEMO.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Billing")).to_be_visible()
    yield visitor
    page.context.close()


def begin(buyer: Visitor) -> str:
    """Start a top-up of an amount of its own, open its page, and return Stripe's session."""
    page, amount = buyer.page, f"6.{next(_cents):02}"
    page.goto("/developers/billing")
    page.get_by_label("Another amount").check()
    page.get_by_label("Amount in dollars").fill(amount)
    page.get_by_role("button", name="Continue to payment").click()
    expect(page).to_have_url(re.compile("/c/pay/"))
    session = page.url.rpartition("/")[2]
    page.get_by_role("link", name="Go back").click()
    page.get_by_role("row", name=f"${amount}").get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Waiting for the payment")).to_be_visible()
    return session


def assert_shows(buyer: Visitor, heading: str, status: str) -> None:
    """Wait for the state, whose page is opened again, and examine it."""
    page = buyer.page
    expect(page.get_by_role("heading", name=heading)).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name=heading)).to_be_visible()
    expect(page.locator(".facts .badge")).to_have_text(status)
    expect(page.locator(".story > li").first).not_to_contain_text("Started")
    buyer.glance()
    assert buyer.faults == []


def assert_stays_in_its_panel(buyer: Visitor, link: str) -> None:
    """Measure it on the smallest phone: nothing but the eye sees one that sticks out."""
    page = buyer.page
    page.set_viewport_size(SMALL_PHONE)
    right = "(one) => one.getBoundingClientRect().right"
    inner, outer = page.get_by_role("link", name=link), page.locator(".panel-lead .panel-body")
    assert inner.evaluate(right) < outer.evaluate(right)
    page.set_viewport_size(DESKTOP)


def test_waiting_and_expired(buyer: Visitor, sandbox: Sandbox) -> None:
    session = begin(buyer)
    assert_shows(buyer, "Waiting for the payment", "Awaiting payment")

    sandbox.expire(session)

    assert_shows(buyer, "This payment page has expired", "Expired")


def test_copy_stands_in_line_where_it_wraps_below_the_reference(buyer: Visitor) -> None:
    page = buyer.page
    begin(buyer)
    page.set_viewport_size(SMALL_PHONE)
    reference, icon = page.locator("#reference"), page.locator(".copy .copy-ask").first
    where = "(one) => { const {left, top} = one.getClientRects()[0]; return [left, top]; }"
    (left, top), (icon_left, icon_top) = reference.evaluate(where), icon.evaluate(where)
    page.set_viewport_size(DESKTOP)

    assert icon_top > top
    assert abs(icon_left - left) < 1


def test_processing_and_failed(buyer: Visitor, sandbox: Sandbox) -> None:
    session = begin(buyer)
    sandbox.pay(session, "bank_fails")
    assert_shows(buyer, "Your bank is working on it", "Processing")

    sandbox.settle(session, succeed=False)

    assert_shows(buyer, "The payment did not go through", "Failed")


def test_landed_refunded_in_part_and_refunded(buyer: Visitor, sandbox: Sandbox) -> None:
    session = begin(buyer)
    sandbox.pay(session)
    assert_shows(buyer, "credits have landed", "Paid")
    assert_stays_in_its_panel(buyer, "Back to the first steps")

    sandbox.refund(session, 100)
    reload_until(buyer, "This top-up is refunded in part")
    assert_shows(buyer, "This top-up is refunded in part", "Partly refunded")

    sandbox.refund(session)
    reload_until(buyer, "This top-up is refunded", exact=True)
    assert_shows(buyer, "This top-up is refunded", "Refunded")


def test_disputed(buyer: Visitor, sandbox: Sandbox) -> None:
    session = begin(buyer)
    sandbox.pay(session)
    expect(buyer.page.get_by_role("heading", name="credits have landed")).to_be_visible()

    sandbox.open_dispute(session)

    reload_until(buyer, "This payment is disputed")
    assert_shows(buyer, "This payment is disputed", "Disputed")


def test_under_review(buyer: Visitor, sandbox: Sandbox, endpoints: dict[str, str]) -> None:
    session = begin(buyer)
    with psycopg.connect(endpoints["database_url"]) as database:  # not what Stripe was asked for
        database.execute(
            "UPDATE billing_topup SET amount_cents = amount_cents - 1 WHERE stripe_session_id = %s",
            [session],
        )

    sandbox.pay(session)

    assert_shows(buyer, "We are checking this payment", "Being checked")


def reload_until(buyer: Visitor, heading: str, *, exact: bool = False) -> None:
    """Load the page of a paid top-up, which polls no more, until the webhook is processed."""
    found = buyer.page.get_by_role("heading", name=heading, exact=exact)

    def is_shown() -> bool:
        buyer.page.reload()
        return found.is_visible()

    eventually(is_shown, within_s=120, what=heading)
