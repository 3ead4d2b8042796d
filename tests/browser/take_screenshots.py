"""Takes the picture that README.md shows: `python -m tests.browser.take_screenshots`.

The key in it is real but worthless: its database is deleted after the picture is taken.
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page

from embedded.subprocesses import PROJECT
from tests.browser import chromium, product
from tests.browser.steps import DEMO
from tests.browser.visitor import DESKTOP

_PICTURES = PROJECT / "docs/images"
_LARGEST_BYTES = 200_000
# The default address of the product, instead of the random port of this run.
_PUBLIC_URL = "http://localhost:8000"


def main() -> int:
    """Start the product, walk to the page of a new key, and take its picture."""
    with (
        tempfile.TemporaryDirectory() as folder,
        product.running(Path(folder) / "data", PUBLIC_URL=_PUBLIC_URL) as running,
        chromium.running() as browser,
    ):
        page = browser.new_page(base_url=running.url, viewport=DESKTOP, color_scheme="light")
        _create_key(page, name="sample key (thrown away)")
        _take(page, _PICTURES / "keys.png")
    return 0


def _create_key(page: Page, *, name: str) -> None:
    page.goto("/developers/keys/new")
    page.get_by_label("Email").fill(DEMO.email)
    page.get_by_label("Password", exact=True).fill(DEMO.password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Create key").click()
    page.get_by_role("heading", name=f"“{name}” is ready").wait_for()


def _take(page: Page, picture: Path) -> None:
    """Save the visible part of the page."""
    page.mouse.move(0, 0)
    picture.parent.mkdir(exist_ok=True)
    page.screenshot(path=picture, animations="disabled")
    assert picture.stat().st_size < _LARGEST_BYTES, f"{picture} is too large for a page"


if __name__ == "__main__":
    sys.exit(main())
