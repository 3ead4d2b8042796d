"""The system's Chromium, headless and without its own requests to its vendor."""

import contextlib
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from devtools.chromium import NAMES

EXECUTABLE = next((path for name in NAMES if (path := shutil.which(name))), None)
NEEDED = pytest.mark.skipif(
    EXECUTABLE is None, reason="there is no Chromium on the PATH: apt-get install chromium"
)
_START_WINDOW_MS = 120_000
_ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-quic"),
)


@contextlib.contextmanager
def running(*options: str) -> Iterator[Browser]:
    """Run the browser for the block, with these options of its command line."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=EXECUTABLE, args=(*_ARGUMENTS, *options), timeout=_START_WINDOW_MS
        )
        yield browser
        browser.close()
