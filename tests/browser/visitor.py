"""A person at a browser who also notices what a click-through does not.

What is noticed on the way: script errors, broken content policies, requests to anybody else. What
`look_at` adds: each rule of axe that the page breaks, and what is wider than the screen or its
panel, on a desktop and on a phone, light and dark; the widths between these, too.
"""

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, ViewportSize, expect

from embedded.subprocesses import PROJECT

DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
# Where the navigation moves and tables change their form, a little on either side.
_WIDTHS_BETWEEN = (360, 704, 831, 832, 900, 1119, 1120, 1200)
_SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
_AXE = PROJECT / "node_modules/axe-core/axe.min.js"
# Without what it loads for itself: it reads style sheets by a way that our content policy forbids.
_TABLES_THAT_SCROLL = """
    [...document.querySelectorAll(".table-scroll")]
        .filter((table) => table.scrollWidth > table.clientWidth)
        .map((table) => table.getAttribute("aria-label"))
"""
_RUN_AXE = "axe.run({preload: false, resultTypes: ['violations']})"
# On a machine that is busy with something else as well; only a failure waits this long.
PATIENCE_MS = 120_000
expect.set_options(timeout=PATIENCE_MS)


class Visitor:
    """One browser session on the product at `home`."""

    def __init__(self, browser: Browser, *, home: str, has_javascript: bool = True) -> None:
        self.home = home
        self.faults: list[str] = []
        self._known = [f"{home}/", "data:"]
        self._context = browser.new_context(
            base_url=home,
            viewport=DESKTOP,
            # A colour that is on its way from light to dark has neither's contrast.
            reduced_motion="reduce",
            java_script_enabled=has_javascript,
            permissions=["clipboard-read", "clipboard-write"],
        )
        self._context.set_default_timeout(PATIENCE_MS)
        # Before the page's own scripts, where the content policy does not reach.
        self._context.add_init_script(path=_AXE)
        self.page: Page = self._context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self._note(f"script error: {error}"))
        self.page.on("request", self._see_request)

    def expect_to_visit(self, other: str) -> None:
        """Say that requests to another origin are meant."""
        self._known.append(f"{other}/")

    def look_at(self, heading: str) -> None:
        """Wait for the page with this heading and examine it in all views."""
        expect(self.page.get_by_role("heading", level=1, name=heading)).to_be_visible()
        self.page.wait_for_load_state()
        for size, scheme in product((DESKTOP, PHONE), _SCHEMES):
            self.page.set_viewport_size(size)
            # Without motion: half-way from light to dark no colour is the one that stays.
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            for fault in self._visible_faults():
                self._note(f"{size['width']} px, {scheme}: {fault}")
        for width in _WIDTHS_BETWEEN:
            self.page.set_viewport_size({"width": width, "height": DESKTOP["height"]})
            for fault in self._what_is_too_wide():
                self._note(f"{width} px: {fault}")
        self.page.set_viewport_size(DESKTOP)
        self.page.emulate_media(color_scheme="light", reduced_motion="no-preference")

    def copied(self) -> str:
        """Return what is in the clipboard."""
        return str(self.page.evaluate("navigator.clipboard.readText()"))

    def leave(self, *, picture: Path) -> None:
        """Close the session; a picture of the last page stays, for whoever asks what went wrong."""
        self.page.screenshot(path=picture)
        self._context.close()

    def _visible_faults(self) -> Iterator[str]:
        report: dict[str, Any] = self.page.evaluate(_RUN_AXE)
        assert report["passes"], "axe looked at nothing"
        for rule in report["violations"]:
            yield f"{rule['help']}: {rule['nodes'][0]['html']}"
        yield from self._what_is_too_wide()

    def _what_is_too_wide(self) -> Iterator[str]:
        if self.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            yield "the page is wider than the screen"
        for label in self.page.evaluate(_TABLES_THAT_SCROLL):
            yield f"the table “{label}” is wider than its panel"

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self._note(f"console: {message.text}")

    def _see_request(self, request: Request) -> None:
        if not request.url.startswith(tuple(self._known)):
            self._note(f"a request to somebody else: {request.url}")

    def _note(self, fault: str) -> None:
        self.faults.append(f"{self.page.url}: {fault}")
