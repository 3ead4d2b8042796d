"""A person takes the figures away and opens them in a spreadsheet: a file with hostile texts.

Callers choose the name of a model, tags, session and user; members the name of a key.
"""

from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Locator, Page

from tests.browser import chromium
from tests.browser.console_models import ATLAS, GRAND
from tests.browser.product import Product
from tests.browser.visitor import Visitor
from tests.support import clients
from tests.support.callers import Caller
from tests.support.clients import Sheet
from tests.support.replies import says
from tests.support.scripted_upstream import ScriptedUpstream
from tests.support.waiting import eventually

pytestmark = chromium.NEEDED

USAGE = "/developers/usage"
KEY, MODEL, TAGS, SESSION, USER = "=1+1", "=NOW()", "@x,+y", "-2+3", "=HYPERLINK(A1)"
# What a spreadsheet takes for the beginning of a formula.
BEGINNINGS = tuple("=+-@\t\r")


class Download(NamedTuple):
    """A file, and what its headers say of it."""

    sheet: Sheet
    rows: int
    credits: int


@pytest.fixture
def page(member: Visitor, running_product: Product, upstream: ScriptedUpstream) -> Page:
    """Any page, after calls with hostile texts: two that are answered, and one that is refused."""
    page = member.page
    page.goto("/developers/keys/new")
    page.get_by_label("Name").fill(KEY)
    page.get_by_role("button", name="Create key").click()
    caller = Caller(running_product.url, page.locator("#token").inner_text())
    headers = {"caicaini-tags": TAGS, "x-claude-code-session-id": SESSION}
    fields = {"metadata": {"user_id": USER}}
    for model, status in ((GRAND, 200), (ATLAS, 200), (MODEL, 404)):
        script = upstream.script(says("Hello there"))
        answer = caller.ask(script.prompt, model=model, headers=headers, **fields)
        assert answer.status == status
    return page


def downloaded(page: Page, table: str, folder: Path) -> Download:
    """Click on a CSV of the usage page and open the file."""
    page.goto(USAGE)
    link = page.locator(f'#export a[href*="/export/{table}"]', has_text="CSV")
    headers = eventually(lambda: headers_of(page, str(link.get_attribute("href"))))
    assert headers
    eventually(lambda: is_shown(page, link), what="the menu of files")
    with page.expect_download() as download:
        link.click()
    file = folder / f"{table}.csv"
    download.value.save_as(file)
    sheet = clients.open_in_a_spreadsheet(file)
    return Download(sheet, int(headers["caicaini-rows"]), int(headers["caicaini-credits"]))


def is_shown(page: Page, link: Locator) -> bool:
    """Unfold the menu; the page may refresh itself between the two halves of a click."""
    if not link.is_visible():
        page.locator("#export summary").click()
    return link.is_visible()


def headers_of(page: Page, address: str) -> dict[str, str] | None:
    """Return what is said of a file; None while the one before is not closed. A browser does not
    show the headers of a download."""
    answer = page.request.head(address)
    return answer.headers if answer.ok else None


def credits_of(rows: list[dict[str, str]]) -> int:
    return sum(int(row["credits"]) for row in rows)


def test_no_cell_is_computed_and_the_sums_are_those_of_headers_and_ledger(
    page: Page, tmp_path: Path
) -> None:
    def with_the_refusal() -> Download | None:
        """Refused calls are written a moment after their answers."""
        found = downloaded(page, "requests", tmp_path)
        return found if found.sheet.rows[-1]["status"] == "404" else None

    calls = eventually(with_the_refusal, what="the refused call in the file")
    assert calls
    sums, ledger = (downloaded(page, table, tmp_path) for table in ("usage", "ledger"))

    for file in (calls, sums, ledger):
        assert file.sheet.formulas == []
        assert len(file.sheet.rows) == file.rows
        assert credits_of(file.sheet.rows) == file.credits
    texts = [row[name] for row in calls.sheet.rows for name in row]
    assert [text for text in texts if text.startswith(BEGINNINGS)] == []
    own = [row for row in calls.sheet.rows if row["key"] == f"'{KEY}"]
    assert [row["status"] for row in own[-3:]] == ["200", "200", "404"]
    for row in own[-2:]:
        assert row["tags"] == "'@x +y"
        assert row["session_id"] == f"'{SESSION}"
        assert row["user"] == f"'{USER}"
    spent = [row for row in ledger.sheet.rows if row["kind"] == "usage"]
    assert calls.credits == sums.credits == -credits_of(spent) > 0
