"""A user at a browser who records faults on the way.

Always recorded: script errors, violations of the content policy, requests to other origins.
`look_at` adds violations of axe's rules and content wider than the screen or its panel, on a
desktop and on a phone, light and dark, in forced colours, and at the widths between. `examine`
does so for any state of a page, also on the smallest phone; `glance` is a quicker look at a page
whose parts are examined elsewhere.
"""

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    Request,
    StorageState,
    ViewportSize,
    expect,
)

from embedded.subprocesses import PROJECT

DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
SMALL_PHONE: ViewportSize = {"width": 320, "height": 640}
# Around the widths at which the navigation moves and tables change their layout.
_WIDTHS_BETWEEN = (320, 360, 704, 831, 832, 900, 1119, 1120, 1200)
_SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
_MEDIA: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "forced_colors": "none"},
    "dark": {"color_scheme": "dark", "forced_colors": "none"},
    "forced colours": {"color_scheme": "dark", "forced_colors": "active"},
}
_AXE = PROJECT / "node_modules/axe-core/axe.min.js"
_TABLES_THAT_SCROLL = """
    [...document.querySelectorAll(".table-scroll")]
        .filter((table) => table.scrollWidth > table.clientWidth)
        .map((table) => table.getAttribute("aria-label"))
"""
# No preload: axe would fetch style sheets in a way that our content policy forbids.
_RUN_AXE = "axe.run({preload: false, resultTypes: ['violations']})"
# In forced colours the system chooses the contrast, and axe reads our unused colours.
_RUN_AXE_FORCED = _RUN_AXE.replace("{", "{rules: {'color-contrast': {enabled: false}}, ", 1)
# What can differ on the same page between light and dark, and between those and forced colours.
_RUN_AXE_CONTRAST = _RUN_AXE.replace("{", "{runOnly: ['color-contrast'], ", 1)
_DRAWN = "['link-in-text-block', 'scrollable-region-focusable', 'target-size']"
_RUN_AXE_DRAWN = _RUN_AXE.replace("{", f"{{runOnly: {_DRAWN}, ", 1)
# Long, for a busy machine; only a failure waits this long.
_TIMEOUT_MS = 120_000
expect.set_options(timeout=_TIMEOUT_MS)


class Visitor:
    """One browser session on the product at `home`."""

    def __init__(
        self,
        browser: Browser,
        *,
        home: str,
        has_javascript: bool = True,
        session: StorageState | None = None,
    ) -> None:
        self.home = home
        self.faults: list[str] = []
        self._known = [f"{home}/", "data:"]
        self._failures_expected: tuple[str, ...] = ()
        self._context = browser.new_context(
            base_url=home,
            viewport=DESKTOP,
            # During a transition from light to dark, colours have the contrast of neither.
            reduced_motion="reduce",
            java_script_enabled=has_javascript,
            permissions=["clipboard-read", "clipboard-write"],
            storage_state=session,
        )
        self._context.set_default_timeout(_TIMEOUT_MS)
        # Runs before the page's own scripts and outside its content policy.
        self._context.add_init_script(path=_AXE)
        self.page: Page = self._context.new_page()
        self.page.on("console", self._record_console)
        self.page.on("pageerror", lambda error: self._note(f"script error: {error}"))
        self.page.on("request", self._record_request)

    def session(self) -> StorageState:
        """Return the cookies, for another visitor who is signed in already."""
        return self._context.storage_state()

    def expect_to_visit(self, other: str) -> None:
        """Allow requests to another origin."""
        self._known.append(f"{other}/")

    def expect_failures(self, *texts: str) -> None:
        """Allow messages in the console that contain one of these texts, such as "402"."""
        self._failures_expected += texts

    def look_at(self, heading: str) -> None:
        """Wait for the page with this heading and examine it in all views."""
        expect(self.page.get_by_role("heading", level=1, name=heading)).to_be_visible()
        self.page.wait_for_load_state()
        for size, scheme in product((DESKTOP, PHONE), _SCHEMES):
            self.page.set_viewport_size(size)
            # Without motion: during a transition the colours are not the final ones.
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            for fault in self._visible_faults():
                self._note(f"{size['width']} px, {scheme}: {fault}")
        self.page.set_viewport_size(DESKTOP)
        self.page.emulate_media(color_scheme="light", forced_colors="active")
        for fault in self._visible_faults(_RUN_AXE_FORCED):
            self._note(f"forced colours: {fault}")
        self.page.emulate_media(forced_colors="none")
        for width in _WIDTHS_BETWEEN:
            self.page.set_viewport_size({"width": width, "height": DESKTOP["height"]})
            for fault in self._overflows():
                self._note(f"{width} px: {fault}")
        self.page.set_viewport_size(DESKTOP)
        self.page.emulate_media(color_scheme="light", reduced_motion="no-preference")

    def examine(self, *, sizes: tuple[ViewportSize, ...] = (DESKTOP, PHONE, SMALL_PHONE)) -> None:
        """Examine the page as it is now, with what is open on it; leave it as it was."""
        before = self.page.viewport_size or DESKTOP
        for size, (name, media) in product(sizes, _MEDIA.items()):
            self.page.set_viewport_size(size)
            self.page.emulate_media(**media)
            for fault in self._visible_faults(_RUN_AXE_FORCED if "forced" in name else _RUN_AXE):
                self._note(f"{size['width']} px, {name}: {fault}")
        self.page.set_viewport_size(before)
        self.page.emulate_media(color_scheme="light", forced_colors="none")

    def glance(self) -> None:
        """Examine it on a desktop, light, dark and in forced colours; on phones its width.

        All rules in light, and in the others those that depend on how the page is drawn.
        """
        for (name, media), run_axe in zip(
            _MEDIA.items(), (_RUN_AXE, _RUN_AXE_CONTRAST, _RUN_AXE_DRAWN), strict=True
        ):
            self.page.emulate_media(**media)
            for fault in self._visible_faults(run_axe):
                self._note(f"{name}: {fault}")
        self.page.emulate_media(color_scheme="light", forced_colors="none")
        for size in (PHONE, SMALL_PHONE):
            self.page.set_viewport_size(size)
            for fault in self._overflows():
                self._note(f"{size['width']} px: {fault}")
        self.page.set_viewport_size(DESKTOP)

    def copied(self) -> str:
        """Return the clipboard's text."""
        return str(self.page.evaluate("navigator.clipboard.readText()"))

    def leave(self, *, picture: Path) -> None:
        """Close the session; keep a picture of the last page, to diagnose a failure."""
        self.page.screenshot(path=picture)
        self._context.close()

    def _visible_faults(self, run_axe: str = _RUN_AXE) -> Iterator[str]:
        report: dict[str, Any] = self.page.evaluate(run_axe)
        assert report["passes"], "axe looked at nothing"
        for rule in report["violations"]:
            yield f"{rule['help']}: {rule['nodes'][0]['html']}"
        yield from self._overflows()

    def _overflows(self) -> Iterator[str]:
        if self.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            yield "the page is wider than the screen"
        for label in self.page.evaluate(_TABLES_THAT_SCROLL):
            yield f"the table “{label}” is wider than its panel"

    def _record_console(self, message: ConsoleMessage) -> None:
        is_expected = any(text in message.text for text in self._failures_expected)
        if message.type in {"error", "warning"} and not is_expected:
            self._note(f"console: {message.text}")

    def _record_request(self, request: Request) -> None:
        if not request.url.startswith(tuple(self._known)):
            self._note(f"a request to another origin: {request.url}")

    def _note(self, fault: str) -> None:
        self.faults.append(f"{self.page.url}: {fault}")
