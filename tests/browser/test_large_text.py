"""A phone whose owner has doubled the browser's text size: pages scroll down only."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import chromium
from tests.browser.visitor import PHONE, Visitor

pytestmark = chromium.NEEDED

PAGES = {
    "/": "One endpoint for hosted language models",
    "/docs/quickstart": "Quickstart",
    "/docs/reference/messages": "Messages",
    "/developers/keys": "API keys",
    "/developers/console": "Console",
    "/developers/usage": "Usage",
    "/developers/billing": "Billing",
    "/developers/billing/ledger": "Ledger",
    "/developers/settings": "Settings",
}
_BROKEN_LEADS = """
    [...document.querySelectorAll(".lead-number .number")]
        .filter((one) => one.getClientRects().length > 1)
        .map((one) => one.textContent.trim())
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium.running("--blink-settings=defaultFontSize=32") as running:
        yield running


@pytest.mark.parametrize("address", PAGES)
def test_a_page_is_no_wider_than_a_phone_with_large_text(member: Visitor, address: str) -> None:
    page = member.page
    page.set_viewport_size(PHONE)
    page.goto(address)
    # A phone's console has no room for its heading.
    heading = page.get_by_role("heading", level=1, name=PAGES[address], include_hidden=True)
    expect(heading).to_be_attached()

    assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "32px"
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert page.evaluate(_BROKEN_LEADS) == []
