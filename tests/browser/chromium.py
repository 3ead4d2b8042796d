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
# Chromium uses the last list that it is given, so this one has what of Playwright's concerns us
# too. It ends with the two pages of suggestions behind the address field: loading them for each
# window took more than half of Chromium's processor time.
_WITHOUT = (
    *("AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades"),
    *("HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter", "PaintHolding"),
    *("ThirdPartyStoragePartitioning", "AvoidCorsURLLoaderRestartOnRedirect", "AimEnabled"),
    *("OptimizationHints", "NetworkTimeServiceQuerying", "PreconnectToSearch"),
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup"),
)
_ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-quic"),
    f"--disable-features={','.join(_WITHOUT)}",
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
