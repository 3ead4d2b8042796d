"""`bin/bench pages`: bytes, requests, layout shift, first paint and server time of each page.

With `--beside` another state of the project, a commit or a folder with a checkout, is measured in
the same run, in turns with this one: its `bin/up` installs what it needs there.
"""

import argparse
import shutil
from contextlib import ExitStack

from playwright.sync_api import Browser, sync_playwright

from benchmarks.checkouts import checked_out
from benchmarks.pages import visits
from benchmarks.pages.product import Product, running
from benchmarks.pages.visits import Cookies, Figures, Visit
from embedded.subprocesses import PROJECT

_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
_PUBLIC = (
    *("/", "/docs/quickstart", "/docs/reference/messages", "/docs/search?q=stream"),
    *("/accounts/login/", "/accounts/signup/"),
)
_MEMBERS = (
    *("/developers/", "/developers/keys", "/developers/keys/new", "/developers/console"),
    *("/developers/usage", "/developers/billing", "/developers/settings"),
)


def main(options: argparse.Namespace) -> int:
    """Measure and print; return 0."""
    executable = next((path for name in _CHROMIUM if (path := shutil.which(name))), None)
    if executable is None:
        print("There is no Chromium on the PATH: apt-get install chromium")
        return 1
    with ExitStack() as stack:
        products = [stack.enter_context(running("here", PROJECT))]
        if options.beside:
            folder = stack.enter_context(checked_out(options.beside))
            products.insert(0, stack.enter_context(running("beside", folder)))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        signed_in = {one: visits.sign_in(browser, one.url) for one in products}
        _print_head()
        for path in (*_PUBLIC, *_MEMBERS):
            cookies = {one: signed_in[one] if path in _MEMBERS else [] for one in products}
            _compare(browser, path, cookies, rounds=options.rounds)
        browser.close()
    return 0


def _compare(browser: Browser, path: str, cookies: dict[Product, Cookies], *, rounds: int) -> None:
    """Measure one page of each product in turns, and print a line for each."""
    server_ms = {one: visits.server_ms(one.url, path, cookies[one]) for one in cookies}
    shown = [one for one in cookies if server_ms[one] is not None]
    seen: dict[Product, list[Visit]] = {one: [] for one in shown}
    for _ in range(rounds):
        for one in shown:
            seen[one].append(visits.visit(browser, one.url, path, cookies[one]))
    for one in cookies:
        ms = server_ms[one]
        _print_line(path, one.name, None if ms is None else Figures(visits.median(seen[one]), ms))


def _print_head() -> None:
    print(
        f"{'page':28} {'':7} {'server':>8} {'TTFB':>8} {'paint':>8}"
        f" {'requests':>9} {'KB':>7} {'CLS':>6}"
    )


def _print_line(path: str, name: str, figures: Figures | None) -> None:
    if figures is None:
        print(f"{path:28} {name:7} no such page")
        return
    seen = figures.visit
    print(
        f"{path:28} {name:7} {figures.server_ms:5.1f} ms {seen.ttfb_ms:5.1f} ms"
        f" {seen.paint_ms:5.0f} ms {seen.requests:9} {seen.bytes / 1000:7.1f} {seen.shift:6.3f}",
        flush=True,
    )
