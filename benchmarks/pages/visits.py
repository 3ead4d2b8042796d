"""Visits of one page: cold in a real browser, and bare requests for the server's time alone."""

import statistics
import time
from http.client import HTTPConnection
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from playwright.sync_api import Browser, CDPSession, Page

_DEMO = ("demo@example.com", "caicaini-demo")
# The sizes of responses on the wire, headers included, as the browser's network log has them.
_SUM_UP = """
    () => {
        const [navigation] = performance.getEntriesByType("navigation");
        const [paint] = performance.getEntriesByName("first-contentful-paint");
        const painted = paint ? paint.startTime : 0;
        return {ttfb: navigation.responseStart, paint: painted, cls: window.cls};
    }
"""
_WATCH_SHIFTS = """
    window.cls = 0;
    new PerformanceObserver((list) => {
        for (const shift of list.getEntries()) if (!shift.hadRecentInput) window.cls += shift.value;
    }).observe({type: "layout-shift", buffered: true});
"""
_BARE_REQUESTS = 20
_SETTLED_MS = 300  # a late shift still counts


class Visit(NamedTuple):
    """One cold visit. Times are milliseconds, `bytes` are those on the wire."""

    ttfb_ms: float
    paint_ms: float
    shift: float
    requests: int
    bytes: int


class Figures(NamedTuple):
    """Medians over the visits of a page, and the server's time for it."""

    visit: Visit
    server_ms: float


Cookies = list[Any]


def sign_in(browser: Browser, url: str) -> Cookies:
    """Sign the demo user in; return the session's cookies."""
    context = browser.new_context(base_url=url)
    page = context.new_page()
    page.goto("/accounts/login/?next=/developers/settings")
    page.locator("[name=login]").fill(_DEMO[0])
    page.locator("[name=password]").fill(_DEMO[1])
    page.locator("form button[type=submit]:has-text('Sign in')").click()
    page.wait_for_url("**/developers/settings")
    cookies: Cookies = context.cookies()
    context.close()
    return cookies


def visit(browser: Browser, url: str, path: str, cookies: Cookies) -> Visit:
    """Open the page with an empty cache."""
    context = browser.new_context(base_url=url)
    context.add_cookies(cookies)
    context.add_init_script(_WATCH_SHIFTS)
    page = context.new_page()
    received = _count(context.new_cdp_session(page))
    page.goto(path, wait_until="load")
    found = _settled(page)
    context.close()
    return Visit(found["ttfb"], found["paint"], found["cls"], len(received), sum(received))


def _settled(page: Page) -> dict[str, float]:
    page.wait_for_timeout(_SETTLED_MS)
    found: dict[str, float] = page.evaluate(_SUM_UP)
    return found


def _count(network: CDPSession) -> list[int]:
    """Return the list of response sizes, which grows while the page loads."""
    sizes: list[int] = []
    network.send("Network.enable")
    network.on(
        "Network.loadingFinished", lambda event: sizes.append(int(event["encodedDataLength"]))
    )
    return sizes


def median(visits: list[Visit]) -> Visit:
    """Return the median of each figure."""
    columns = zip(*visits, strict=True)
    ttfb, paint, shift, requests, size = (statistics.median(column) for column in columns)
    return Visit(ttfb, paint, shift, int(requests), int(size))


def server_ms(url: str, path: str, cookies: Cookies) -> float | None:
    """Return the median time of bare requests on one connection; None if it is no page."""
    connection = HTTPConnection(urlsplit(url).netloc)
    headers = {
        "Cookie": "; ".join(f"{one['name']}={one['value']}" for one in cookies),
        "Accept-Encoding": "gzip",
        "Accept": "text/html",
    }
    took = []
    for _ in range(_BARE_REQUESTS):
        started_at = time.perf_counter()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        took.append((time.perf_counter() - started_at) * 1000)
        if answer.status != 200:
            return None
    connection.close()
    return statistics.median(took)
