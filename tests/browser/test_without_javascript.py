"""The portal in a browser with JavaScript disabled."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import answers, chromium, steps
from tests.browser.product import Product
from tests.browser.shell import Shell
from tests.browser.visitor import Visitor

pytestmark = chromium.NEEDED


@pytest.fixture
def plain_visitor(browser: Browser, running_product: Product, tmp_path: Path) -> Iterator[Visitor]:
    """A visitor without JavaScript; `look_at` cannot be used, as axe is a script."""
    visitor = Visitor(browser, home=running_product.url, has_javascript=False)
    yield visitor
    visitor.leave(picture=tmp_path / "last-page.png")
    assert visitor.faults == []


def test_a_key_is_created_used_and_revoked(plain_visitor: Visitor, shell: Shell) -> None:
    page = plain_visitor.page
    page.goto("/developers/keys/new")
    page.get_by_label("Email").fill(steps.DEMO.email)
    page.get_by_label("Password", exact=True).fill(steps.DEMO.password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Name").fill("no scripts")
    page.get_by_role("button", name="Create key").click()

    call = page.locator("#first-call-sample-curl").inner_text()
    price = answers.credits_of_answer(shell.run(call).json())
    steps.open_section(plain_visitor, "Usage")
    for row in page.get_by_role("row", name="no scripts").all():  # of the key, and of its call
        expect(row).to_contain_text(f"{price:,}")
    expect(page.get_by_role("row", name="no scripts")).to_have_count(2)

    steps.open_section(plain_visitor, "Keys")
    page.get_by_role("link", name="Revoke no scripts").click()
    expect(page.get_by_role("heading", name="Revoke “no scripts”?")).to_be_visible()
    page.get_by_role("button", name="Revoke key").click()
    expect(page.get_by_text("“no scripts” is revoked")).to_be_visible()
    assert shell.run(call).status == 401

    steps.sign_out(plain_visitor)


def test_every_language_is_shown_and_nothing_that_needs_a_script(plain_visitor: Visitor) -> None:
    page = plain_visitor.page
    page.goto("/docs/quickstart")

    for sample in ("curl http", "client = Anthropic(", "const client = new Anthropic("):
        expect(page.get_by_role("main").get_by_text(sample).first).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)
