"""The console's page as a person uses it."""

import json
import os
import re
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from playwright.sync_api import Browser, Locator, Page, Route, StorageState, expect

from embedded.subprocesses import PROJECT
from tests.browser.product import Product
from tests.browser.steps import DEMO
from tests.browser.visitor import Visitor

PATH = "/developers/console"


class Console:
    """The page of a visitor, opened by `open`."""

    def __init__(self, visitor: Visitor, product: Product) -> None:
        self.visitor = visitor
        self.page = visitor.page
        self._product = product
        self.answer = self.page.locator(".answer-view")
        self.last_end = self.page.locator(".end-line").last
        self.notices = self.page.locator("#notices")

    def open(self, fragment: str = "") -> None:
        """Open the page, signed in."""
        self.page.goto(PATH + fragment)
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Wait until the page's script has started."""
        expect(self.page.locator("#console.is-ready")).to_be_visible()

    def reload(self) -> None:
        """Load the page again."""
        self.page.reload()
        self.wait_until_ready()

    def choose_model(self, name: str) -> None:
        """Choose a model in the list."""
        self.page.locator("#model").click()
        # A list that has opened is moved to its place a moment later.
        expect(self.page.locator("#model")).to_have_attribute("aria-expanded", "true")
        self.page.get_by_role("radio", name=name).check()
        self.page.keyboard.press("Escape")
        expect(self.page.locator("#model-name")).to_have_text(name)

    def message(self, number: int = 1) -> Locator:
        """Return a message's text field."""
        return self.page.locator("#messages > li").nth(number - 1).locator("textarea").first

    def write(self, text: str, number: int = 1) -> None:
        """Write a message."""
        self.message(number).fill(text)

    def run(self) -> None:
        """Press Run."""
        self.page.locator("#run").click()

    def wait_for_end(self, calls: int = 1) -> None:
        """Wait until that many calls have ended, and what they cost is known."""
        expect(self.page.locator(".end-line")).to_have_count(calls)
        expect(self.page.locator("#run")).to_be_visible()
        expect(self.page.get_by_role("button", name="Receipt")).to_have_count(calls)

    def show(self, tab: str) -> None:
        """Choose a tab of the answer."""
        self.page.get_by_role("tab", name=tab).click()

    def bound(self) -> int:
        """Return the most that the next run can cost, once it is known."""
        value = self.page.locator("#bound-value strong")
        expect(value).to_have_text(re.compile(r"^[\d,]+$"))
        return int(value.inner_text().replace(",", ""))

    def charged(self) -> int:
        """Return what the foot says that all calls cost."""
        return int(self.page.locator(".cost-amount strong").first.inner_text().replace(",", ""))

    def request_ids(self) -> list[str]:
        """Open every receipt; return the request ids in them."""
        for button in self.page.get_by_role("button", name="Receipt").all():
            if button.get_attribute("aria-expanded") == "false":
                button.click()
        return self.page.locator(".receipt .whole").all_inner_texts()

    def spent(self, request_ids: list[str]) -> list[int]:
        """Return what the ledger took for these calls."""
        query = "SELECT -amount FROM billing_ledgerentry WHERE kind = 'usage' AND reference = %s"
        with self._connection() as connection:
            rows = [connection.execute(query, [str(_uuid(one))]).fetchone() for one in request_ids]
        return [row[0] for row in rows if row]

    def sources(self, request_ids: list[str]) -> list[str]:
        """Return the sources in these calls' request records."""
        query = "SELECT source FROM usage_requestrecord WHERE id = %s"
        with self._connection() as connection:
            rows = [connection.execute(query, [_uuid(one)]).fetchone() for one in request_ids]
        return [row[0] for row in rows if row]

    def open_holds(self) -> int:
        """Return how many calls hold credits."""
        with self._connection() as connection:
            row = connection.execute(
                "SELECT count(*) FROM billing_hold WHERE state = 'open'"
            ).fetchone()
        assert row is not None
        return int(row[0])

    def balance(self) -> int:
        """Return the credits of the demo workspace."""
        query = """
            SELECT posted FROM billing_wallet
            JOIN accounts_membership AS membership USING (workspace_id)
            JOIN accounts_user AS person ON person.id = membership.user_id
            WHERE pool = 'api' AND person.email = %s
        """
        with self._connection() as connection:
            row = connection.execute(query, [DEMO.email]).fetchone()
        assert row is not None
        return int(row[0])

    def give(self, credits: int) -> None:
        """Give the demo workspace credits, or take some back, as an operator does."""
        command = [sys.executable, "manage.py", "grant_credits", "--email", DEMO.email]
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        subprocess.run(
            [*command, f"--credits={credits}", "--reason", "For a test"],
            env={**kept, "DATA_DIR": str(self._product.data_dir)},
            cwd=PROJECT,
            check=True,
            capture_output=True,
        )

    def spoken(self) -> Locator:
        """Return what screen readers announce."""
        return self.page.locator("#spoken")

    def stored(self, kind: str) -> Any:
        """Return what the browser keeps: "draft" or "history"."""
        script = f"""
            JSON.parse(localStorage.getItem(
                Object.keys(localStorage).find((key) => key.startsWith("console.{kind}."))
            ))
        """
        return self.page.evaluate(script)

    def _connection(self) -> psycopg.Connection[Any]:
        endpoints = json.loads((self._product.data_dir / "embedded.json").read_text())
        return psycopg.connect(endpoints["database_url"])


def sign_in_to_the_console(browser: Browser, product: Product) -> StorageState:
    """Sign the demo person in on the way to the console; return the cookies."""
    visitor = Visitor(browser, home=product.url)
    visitor.page.goto(PATH)
    fill_in_sign_in(visitor.page)
    session = visitor.session()
    visitor.page.context.close()
    return session


def fill_in_sign_in(page: Page) -> None:
    """Sign the demo person in on the page that asks for it, and wait for the console."""
    page.get_by_label("Email").fill(DEMO.email)
    page.get_by_label("Password", exact=True).fill(DEMO.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1, name="Console")).to_be_visible()


def with_config(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Route], None]:
    """Return a handler of the page's address that changes what its scripts read."""
    place = re.compile(r'(<script id="console-config" type="application/json">)(.*?)(</script>)')

    def handle(route: Route) -> None:
        answer = route.fetch()
        found = place.search(answer.text())
        assert found
        config = json.dumps(change(json.loads(found[2]))).replace("<", "\\u003C")
        html = answer.text().replace(found[0], f"{found[1]}{config}{found[3]}")
        route.fulfill(response=answer, body=html)

    return handle


def a_picture(folder: Path) -> Path:
    """Write a PNG of one white pixel."""
    picture = folder / "pixel.png"
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0\xff\xff\xff")),
        (b"IEND", b""),
    ]
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(map(_png_chunk, chunks)))
    return picture


def _png_chunk(chunk: tuple[bytes, bytes]) -> bytes:
    kind, data = chunk
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _uuid(request_id: str) -> UUID:
    return UUID(request_id.removeprefix("req_"))
