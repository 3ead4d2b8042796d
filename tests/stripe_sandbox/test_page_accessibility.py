"""The pages in a real browser: accessible, within their policy, no request to other hosts."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import stripe
from playwright.sync_api import Browser, Page, expect

from stripe_sandbox.client import Sandbox
from stripe_sandbox.server import SandboxServer
from tests.browser import chromium
from tests.stripe_sandbox.library import Checkout
from tests.stripe_sandbox.receiver import Receiver

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
TIMEOUT_MS = 120_000  # only a failing test waits this long

expect.set_options(timeout=TIMEOUT_MS)
pytestmark = chromium.NEEDED

Open = Callable[[str], Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium.running() as running:
        yield running


@pytest.fixture(params=[(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")], ids=str)
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    width, scheme = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=False
    )
    context.set_default_timeout(TIMEOUT_MS)
    yield context.new_page()
    context.close()


@pytest.fixture
def console_messages(page: Page) -> list[str]:
    """Console messages and script errors. A 422 answer logs one too."""
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    return messages


def axe_violations(page: Page, axe_page: Page) -> list[str]:
    """Violations that axe finds in a copy of the page without the policy, which blocks axe."""
    axe_page.goto(page.url)
    axe_page.add_script_tag(path=AXE)
    found: dict[str, Any] = axe_page.evaluate("axe.run()")
    return [json.dumps(one["nodes"][0]["html"]) + one["help"] for one in found["violations"]]


@pytest.fixture
def axe_page(page: Page, browser: Browser) -> Iterator[Page]:
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    context = browser.new_context(
        viewport=page.viewport_size, color_scheme="dark" if dark else "light", bypass_csp=True
    )
    context.set_default_timeout(TIMEOUT_MS)
    yield context.new_page()
    context.close()


def test_every_state_is_usable_and_keeps_its_policy(
    page: Page,
    axe_page: Page,
    console_messages: list[str],
    api: stripe.StripeClient,
    sandbox: Sandbox,
    checkout: Checkout,
) -> None:
    declined, waiting, paid, expired = (
        checkout(automatic_tax={"enabled": True}, invoice_creation={"enabled": True})
        for _ in range(4)
    )
    sandbox.pay(declined.id, "4000000000000002")
    challenge = sandbox.pay(waiting.id, "4000002500003155")["intent"]["next_action"]
    sandbox.pay(paid.id)
    sandbox.expire(expired.id)
    done = api.v1.checkout.sessions.retrieve(paid.id, {"expand": ["invoice"]})
    assert isinstance(done.invoice, stripe.Invoice)
    customer = api.v1.customers.create({"email": "a@b.example"})
    setup = checkout(mode="setup", currency="usd", customer=customer.id, line_items=None)

    found = {}
    for url in (
        str(checkout().url),
        str(declined.url),
        challenge["redirect_to_url"]["url"],
        str(paid.url),
        str(expired.url),
        str(setup.url),
        str(done.invoice.hosted_invoice_url),
    ):
        page.goto(url)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= page.viewport_size["width"]  # type: ignore[index]
        found[url] = axe_violations(page, axe_page)

    assert {url: violations for url, violations in found.items() if violations} == {}
    assert console_messages == []


def test_a_payment_by_keyboard_leads_back_through_the_policy(
    page: Page, console_messages: list[str], server: SandboxServer, receiver: Receiver, api: Any
) -> None:
    """The shop is another origin; the browser follows the redirect only if the policy names it."""
    shop = receiver.url.replace("127.0.0.1", "localhost")
    session = api.v1.checkout.sessions.create(
        {
            "success_url": f"{shop}?done={{CHECKOUT_SESSION_ID}}",
            "line_items": [
                {
                    "price_data": {
                        "currency": "usd",
                        "unit_amount": 2000,
                        "product_data": {"name": "Credits"},
                    }
                }
            ],
        }
    )
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))

    page.goto(str(session.url))
    page.get_by_label("Card number").fill("4000 0025 0000 3155")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Complete").press("Enter")
    page.wait_for_url(f"{shop}?done={session.id}")

    ours = (str(server.settings.public_url), shop)
    assert [url for url in requested if not url.startswith(ours)] == []
    assert [text for text in console_messages if "Content Security Policy" in text] == []
    assert api.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"


def test_a_wrong_number_is_focused_and_described(page: Page, checkout: Checkout) -> None:
    page.goto(str(checkout().url))
    page.get_by_label("Card number").fill("4242 4242 4242 4241")
    page.get_by_role("button", name="Pay $20.00").click()

    field = page.get_by_label("Card number")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    expect(field).to_have_value("4242 4242 4242 4241")
    described = str(field.get_attribute("aria-describedby")).split()
    texts = [page.locator(f"#{one}").inner_text() for one in described]
    assert "Your card number is incorrect." in texts


def test_choices_work_without_javascript(browser: Browser, checkout: Checkout) -> None:
    context = browser.new_context(java_script_enabled=False)
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    page.goto(str(checkout().url))
    page.get_by_role("button", name="Declined").click()

    alert = page.get_by_role("alert").inner_text()
    context.close()

    assert alert == "Your card was declined."
