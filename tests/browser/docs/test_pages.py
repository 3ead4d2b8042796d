"""A reader of the documentation, at a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.browser import chromium
from tests.browser.product import Product
from tests.browser.visitor import DESKTOP, PHONE, Visitor

pytestmark = chromium.NEEDED

START = "/docs/quickstart"


@pytest.fixture
def plain_visitor(browser: Browser, running_product: Product, tmp_path: Path) -> Iterator[Visitor]:
    """A visitor without JavaScript."""
    visitor = Visitor(browser, home=running_product.url, has_javascript=False)
    yield visitor
    visitor.leave(picture=tmp_path / "last-page.png")
    assert visitor.faults == []


def search_field(visitor: Visitor) -> Locator:
    return visitor.page.get_by_role("combobox", name="Search the docs")


def page_links(visitor: Visitor) -> list[str]:
    links = visitor.page.locator("#docs-tree a")
    return [str(links.nth(at).get_attribute("href")) for at in range(links.count())]


def test_every_page_is_accessible_and_fits_every_screen(visitor: Visitor) -> None:
    visitor.page.goto(START)
    for link in page_links(visitor):
        visitor.page.goto(link)
        visitor.glance()


def test_every_state_is_accessible_in_light_dark_and_forced_colours(visitor: Visitor) -> None:
    page = visitor.page
    page.goto(START)
    visitor.examine()

    page.keyboard.press("/")
    page.keyboard.type("key")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    visitor.examine()

    page.goto("/docs/search?q=key")
    visitor.examine()
    page.goto("/docs/search?q=zebra")
    visitor.examine()


def test_the_answer_of_the_quickstart_shows_its_price_without_scrolling(visitor: Visitor) -> None:
    visitor.page.goto(START)
    answer = visitor.page.locator(".answer pre").filter(visible=True)

    expect(answer).to_contain_text("credits_consumed")
    assert answer.evaluate("(one) => one.scrollHeight <= one.clientHeight")


def test_the_words_that_were_found_can_be_read_in_forced_colours(visitor: Visitor) -> None:
    page = visitor.page
    page.emulate_media(color_scheme="dark", forced_colors="active")
    page.goto("/docs/search?q=key")
    mark = page.get_by_role("main").locator("mark").first

    colour, background = mark.evaluate(
        "(mark) => [getComputedStyle(mark).color, getComputedStyle(mark).backgroundColor]"
    )

    assert not background.endswith(", 0)"), "black words on a black page"
    assert colour != background


def test_the_lists_of_a_phone_are_accessible(visitor: Visitor) -> None:
    page = visitor.page
    page.set_viewport_size(PHONE)
    page.goto(START)
    page.get_by_role("button", name="All pages").click()
    expect(page.get_by_role("navigation", name="Documentation")).to_be_visible()
    visitor.examine(sizes=(PHONE,))
    page.keyboard.press("Escape")

    headings = page.get_by_role("navigation", name="On this page")
    page.get_by_role("button", name="On this page").click()
    expect(headings).to_be_visible()
    visitor.examine(sizes=(PHONE,))
    headings.get_by_role("link").last.click()
    expect(headings).to_be_hidden()


def test_on_this_page_follows_the_reading_position(visitor: Visitor) -> None:
    page = visitor.page
    page.goto(START)
    links = page.get_by_role("navigation", name="On this page").get_by_role("link")
    current = page.locator("#on-this-page [aria-current=location]")
    expect(current).to_have_text(links.first.inner_text())

    for at in (2, 1):
        anchor = str(links.nth(at).get_attribute("href"))
        page.locator(anchor).evaluate(
            "(heading) => scrollTo({top: heading.getBoundingClientRect().top + scrollY - 80})"
        )
        expect(current).to_have_text(links.nth(at).inner_text())

    page.evaluate("scrollTo({top: document.documentElement.scrollHeight})")
    expect(current).to_have_text(links.last.inner_text())


def test_a_page_is_found_by_keyboard_alone(visitor: Visitor) -> None:
    page = visitor.page
    page.goto("/docs/search")
    page.keyboard.press("/")
    field = search_field(visitor)
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-expanded", "false")

    page.keyboard.type("quickst")
    options = page.get_by_role("option")
    expect(options.first).to_contain_text("Quickstart")
    expect(field).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "true")
    expect(field).to_have_attribute("aria-activedescendant", str(options.first.get_attribute("id")))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Quickstart")


def test_arrows_escape_and_enter_do_what_a_combobox_does(visitor: Visitor) -> None:
    page = visitor.page
    page.goto(START)
    page.keyboard.press("/")
    page.keyboard.type("key")
    options = page.get_by_role("option")
    expect(options.first).to_be_visible()
    chosen = page.locator("[role=option][aria-selected=true]")

    page.keyboard.press("ArrowUp")
    expect(options.last).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect(chosen).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(search_field(visitor)).to_be_focused()

    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Search the docs")
    expect(page).to_have_url(f"{visitor.home}/docs/search?q=key")


def test_a_slash_in_a_field_is_a_letter(visitor: Visitor) -> None:
    page = visitor.page
    page.goto("/docs/search")
    field = page.get_by_role("searchbox")
    field.press_sequentially("caicaini/auto")

    expect(field).to_have_value("caicaini/auto")


def test_search_works_without_javascript(plain_visitor: Visitor) -> None:
    page = plain_visitor.page
    page.goto(START)
    field = page.get_by_role("searchbox", name="Search the docs")
    field.fill("quickstart")
    field.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Search the docs")
    page.get_by_role("main").get_by_role("link", name="Quickstart").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Quickstart")


def test_every_page_is_reached_on_a_phone_without_javascript(plain_visitor: Visitor) -> None:
    page = plain_visitor.page
    page.set_viewport_size(PHONE)
    page.goto("/docs/search")
    page.get_by_role("button", name="All pages").click()
    page.get_by_role("link", name="Quickstart", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Quickstart")


def test_the_page_is_copied_as_markdown(visitor: Visitor) -> None:
    page = visitor.page
    page.goto(START)
    page.get_by_role("button", name="Copy page as Markdown").click()
    expect(page.locator("#spoken")).to_have_text("Copied the page as Markdown.")

    assert visitor.copied() == page.request.get(f"{START}.md").text()


def test_the_link_to_a_heading_is_copied(visitor: Visitor) -> None:
    page = visitor.page
    page.goto(START)
    link = page.get_by_role("link", name="Link to “").first
    anchor = link.get_attribute("href")
    link.click()
    expect(page.locator("#spoken")).to_have_text("Copied the link.")

    assert visitor.copied() == page.url == f"{visitor.home}{START}{anchor}"


def test_the_chosen_language_is_remembered_for_all_examples(visitor: Visitor) -> None:
    page = visitor.page
    page.set_viewport_size(DESKTOP)
    page.goto(START)
    page.get_by_role("tab", name="Python").first.click()
    _expect_python_everywhere(visitor)
    page.reload()
    _expect_python_everywhere(visitor)
    page.goto("/docs/streaming")
    expect(page.get_by_role("tab", name="Python").first).to_have_attribute("aria-selected", "true")
    _expect_python_everywhere(visitor)


def test_a_page_about_one_language_begins_with_it_and_is_not_remembered(visitor: Visitor) -> None:
    page = visitor.page
    page.set_viewport_size(DESKTOP)
    page.goto("/docs/python-sdk")
    _expect_python_everywhere(visitor)
    page.get_by_role("tab", name="curl").first.click()
    expect(page.get_by_role("tab", name="curl").first).to_have_attribute("aria-selected", "true")
    page.goto("/docs/typescript-sdk")
    expect(page.get_by_role("tab", name="TypeScript").first).to_have_attribute(
        "aria-selected", "true"
    )
    page.goto(START)
    expect(page.get_by_role("tab", name="curl").first).to_have_attribute("aria-selected", "true")


def _expect_python_everywhere(visitor: Visitor) -> None:
    boxes = visitor.page.locator("[data-example]:has(.sample[data-language=python])")
    assert boxes.count() > 0
    for at in range(boxes.count()):
        shown = boxes.nth(at).locator(".sample:visible")
        expect(shown).to_have_count(1)
        expect(shown).to_have_attribute("data-language", "python")


def test_the_copy_button_of_an_example_copies_the_shown_language(visitor: Visitor) -> None:
    page = visitor.page
    page.goto(START)
    box = page.locator("[data-example]:has(.sample[data-language=python])").first
    box.get_by_role("tab", name="Python").click()
    box.get_by_role("button", name="Copy").click()
    expect(page.locator("#spoken")).to_have_text("Copied.")

    assert visitor.copied() == box.locator(".sample[data-language=python] code").inner_text()
