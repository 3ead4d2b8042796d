"""What the portal does when something is in the way: a lost session, a failed action, a refusal."""

import re
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from tests.browser import chromium, steps
from tests.browser.product import Product
from tests.browser.shell import Shell
from tests.browser.steps import DEMO
from tests.browser.visitor import Visitor

pytestmark = chromium.NEEDED
_numbers = count(1)
_BUTTON = "document.querySelector('main button[type=submit]')"
# What the button shows at last, before the answer takes its page's place.
_WATCH_THE_BUTTON = f"""
    addEventListener("pagehide", () => {{
        const spoken = document.getElementById("spoken").textContent;
        sessionStorage.waited = `${{{_BUTTON}.getAttribute("aria-disabled")}}, ${{spoken}}`;
    }});
"""


@pytest.fixture(scope="module")
def cookies(browser: Browser, running_product: Product) -> list[Any]:
    """The cookies of the demo user, signed in once for all tests here."""
    visitor = Visitor(browser, home=running_product.url)
    page = visitor.page
    page.goto("/developers/settings")
    page.get_by_label("Email").fill(DEMO.email)
    page.get_by_label("Password", exact=True).fill(DEMO.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1, name="Settings")).to_be_visible()
    return list(page.context.cookies())


@pytest.fixture
def member(visitor: Visitor, cookies: list[Any]) -> Visitor:
    """The demo user, signed in."""
    visitor.page.context.add_cookies(cookies)
    return visitor


@pytest.fixture
def troubled(browser: Browser, running_product: Product, cookies: list[Any]) -> Iterator[Page]:
    """The demo user's page, in whose tests failed requests are expected."""
    visitor = Visitor(browser, home=running_product.url)
    visitor.page.context.add_cookies(cookies)
    yield visitor.page
    visitor.page.context.close()


def new_key(page: Page) -> str:
    """Create a key; its page stays open. Return its name."""
    name = f"manners {next(_numbers)}"
    page.goto("/developers/keys/new")
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Create key").click()
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()
    return name


def end_session(page: Page) -> None:
    """Let the browser keep a session that the server no longer knows."""
    [cookie] = [one for one in page.context.cookies() if one["name"] == "sessionid"]
    page.context.add_cookies([{**cookie, "value": "ended"}])  # type: ignore[typeddict-item]


def answer_questions(page: Page, *, leave: bool) -> list[str]:
    """Answer the browser's question whether to leave; return the list of questions to come."""
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept() if leave else dialog.dismiss()

    page.on("dialog", answer)
    return asked


def test_leaving_a_key_that_was_not_stored_asks_first(troubled: Page) -> None:
    new_key(troubled)
    token = troubled.locator("#token").inner_text()
    asked = answer_questions(troubled, leave=False)

    troubled.get_by_role("link", name="Billing", exact=True).click()

    expect(troubled.locator("#token")).to_have_text(token)
    assert asked == ["beforeunload"]
    troubled.get_by_role("link", name="I have stored it").click()
    expect(troubled.get_by_role("heading", level=1, name="API keys")).to_be_visible()
    assert asked == ["beforeunload"]


def test_back_and_reload_show_the_key_s_own_page(member: Visitor) -> None:
    page = member.page
    name = new_key(page)
    token = page.locator("#token").inner_text()
    page.get_by_role("link", name="I have stored it").click()
    expect(page.get_by_role("heading", level=1, name="API keys")).to_be_visible()

    page.go_back()
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()
    expect(page.get_by_text("was shown once")).to_be_visible()
    assert token not in page.content()
    page.reload()
    expect(page.get_by_text("was shown once")).to_be_visible()
    member.look_at(name)


def test_a_key_on_the_screen_survives_the_end_of_its_session(troubled: Page) -> None:
    new_key(troubled)
    token = troubled.locator("#token").inner_text()

    end_session(troubled)

    notice = troubled.get_by_role("alert")
    expect(notice).to_contain_text("Your session has ended")
    expect(notice.get_by_role("link")).to_have_attribute("target", "_blank")
    expect(troubled.locator("#token")).to_have_text(token)


def test_a_refused_first_call_shows_with_its_reason(member: Visitor, shell: Shell) -> None:
    page = member.page
    new_key(page)
    call = page.locator("#first-call-sample-curl").inner_text()

    refusal = shell.run(call.replace("caicaini/auto", "caicaini/nothing"))

    assert refusal.status == 404
    shown = page.locator("#first-call")
    expect(shown).to_contain_text("A call was refused")
    expect(shown).to_contain_text(refusal.json()["error"]["message"])
    expect(shown).to_contain_text(refusal.json()["request_id"])
    member.look_at(page.get_by_role("heading", level=1).inner_text())
    page.get_by_role("link", name="I have stored it").click()


def test_a_revocation_that_fails_says_so_in_the_dialog(troubled: Page) -> None:
    name = new_key(troubled)
    troubled.get_by_role("link", name="I have stored it").click()
    troubled.get_by_role("link", name=f"Revoke {name},").click()
    dialog = troubled.get_by_role("dialog")
    troubled.route("**/revoke", lambda route: route.abort())

    dialog.get_by_role("button", name="Revoke").click()

    expect(dialog.get_by_role("alert")).to_contain_text("There is no connection to our server.")
    expect(dialog.get_by_role("alert")).to_contain_text("The key was not revoked and still works.")
    troubled.unroute("**/revoke")
    troubled.route("**/revoke", lambda route: route.fulfill(status=500))
    dialog.get_by_role("button", name="Revoke").click()
    expect(dialog.get_by_role("alert")).to_contain_text("an error (500)")
    troubled.unroute("**/revoke")
    dialog.get_by_role("button", name="Revoke").click()
    expect(troubled.get_by_text(f"“{name}” is revoked")).to_be_visible()


def test_a_click_that_fails_says_so(troubled: Page) -> None:
    name = new_key(troubled)
    troubled.get_by_role("link", name="I have stored it").click()
    troubled.route("**/revoke", lambda route: route.abort())

    troubled.get_by_role("link", name=f"Revoke {name},").click()

    expect(troubled.get_by_role("alert")).to_contain_text("Nothing was changed.")


def test_what_was_typed_is_there_again_after_the_session_has_ended(troubled: Page) -> None:
    troubled.goto("/developers/keys/new")
    troubled.get_by_label("Name").fill("kept over the sign-in")
    troubled.get_by_label("Expires").select_option("90")
    end_session(troubled)

    troubled.get_by_role("button", name="Create key").click()
    expect(troubled.get_by_text("Your session has ended.")).to_be_visible()
    troubled.get_by_label("Email").fill(DEMO.email)
    troubled.get_by_label("Password", exact=True).fill(DEMO.password)
    troubled.get_by_role("button", name="Sign in").click()

    expect(troubled.get_by_label("Name")).to_have_value("kept over the sign-in")
    expect(troubled.get_by_label("Expires")).to_have_value("90")
    troubled.goto("/developers/keys")
    troubled.goto("/developers/keys/new")
    expect(troubled.get_by_label("Name")).to_have_value("")


def test_a_button_that_waits_shows_it_and_sends_once(troubled: Page) -> None:
    sent: list[str] = []
    troubled.goto("/developers/keys/new")
    troubled.get_by_label("Name").fill("sent once")
    troubled.on("request", lambda request: sent.append(request.method))
    troubled.evaluate(_WATCH_THE_BUTTON)

    troubled.evaluate(f"const button = {_BUTTON}; button.click(); button.click()")

    expect(troubled.get_by_role("heading", level=1, name="sent once")).to_be_visible()
    assert sent.count("POST") == 1
    assert troubled.evaluate("sessionStorage.waited") == "true, Sending…"


def test_the_theme_goes_back_to_the_system_s(visitor: Visitor) -> None:
    page = visitor.page
    page.emulate_media(color_scheme="light")
    page.goto("/docs/quickstart")
    dark = "document.documentElement.dataset.theme"

    for choice, theme in (("Dark", "dark"), ("Light", "light"), ("As the system", None)):
        page.get_by_label("Theme").click()
        page.get_by_role("button", name=choice).click()
        assert page.evaluate(dark) == theme
        page.reload()
        assert page.evaluate(dark) == theme
        page.get_by_label("Theme").click()
        chosen = page.get_by_role("button", name=choice)
        expect(chosen).to_have_attribute("aria-pressed", "true")
        page.keyboard.press("Escape")


def test_a_password_can_be_shown_and_is_sent_hidden(visitor: Visitor) -> None:
    page = visitor.page
    page.goto("/accounts/login/")
    field, button = page.get_by_label("Password", exact=True), page.get_by_label("Show password")
    field.fill("caicaini-demo")

    button.click()
    expect(field).to_have_attribute("type", "text")
    expect(button).to_have_attribute("aria-pressed", "true")
    page.get_by_label("Email").fill(DEMO.email)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_the_balance_is_not_read_out_by_itself(member: Visitor) -> None:
    member.page.goto("/developers/usage")

    assert member.page.locator("[aria-live] #balance, #balance[aria-live]").count() == 0
    expect(member.page.locator("#balance")).to_contain_text(re.compile(r"credits · \$[\d.,]+"))


PAGES = {
    "/developers/keys": "API keys",
    "/developers/usage": "Usage",
    "/developers/billing": "Billing",
    "/developers/billing/ledger": "Ledger",
    "/developers/settings": "Settings",
    "/developers/?again": "Three steps to get started",
}
_BROKEN_NUMBERS = """
    [...document.querySelectorAll(".number, .lead-number, .tile dd, .exact, time")]
        .filter((one) => one.getClientRects().length > 1 && one.querySelectorAll("*").length === 0)
        .map((one) => one.textContent.trim())
"""


@pytest.mark.parametrize("page_url", PAGES)
@pytest.mark.parametrize("width", [1280, 390])
def test_text_at_200_percent_breaks_no_number(member: Visitor, page_url: str, width: int) -> None:
    page = member.page
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(page_url)
    expect(page.get_by_role("heading", level=1, name=PAGES[page_url])).to_be_visible()

    page.evaluate("document.documentElement.style.fontSize = '200%'")

    assert page.evaluate(_BROKEN_NUMBERS) == []
    if width == 1280:
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")


def test_forced_colours_show_what_is_selected(member: Visitor) -> None:
    page = member.page
    page.emulate_media(forced_colors="active")
    shown = {
        "/developers/usage": (
            *(".side-link[aria-current]", "#range-30d"),
            ".usage-tile[aria-current]",
        ),
        "/developers/billing/ledger": ("#days-all",),
        "/docs/quickstart": (".bar-link[aria-current]", ".samples-tab[aria-selected=true]"),
    }
    for address, chosen in shown.items():
        page.goto(address)
        for selected in chosen:
            style = page.locator(selected).first.evaluate(
                "(one) => getComputedStyle(one).outlineStyle"
            )
            assert style == "solid", selected


def test_an_unknown_address_stands_in_the_frame(troubled: Page) -> None:
    troubled.goto("/developers/nowhere")

    expect(troubled.get_by_role("heading", name="There is nothing here")).to_be_visible()
    expect(troubled.get_by_role("navigation", name="Developers")).to_be_visible()


def test_the_pages_of_a_key_a_call_and_the_settings_are_accessible(
    member: Visitor, shell: Shell
) -> None:
    page = member.page
    new_key(page)
    call = page.locator("#first-call-sample-curl").inner_text()
    assert shell.run(call).status == 200
    expect(page.get_by_text("arrived.")).to_be_visible()
    page.get_by_role("link", name="I have stored it").click()
    steps.open_section(member, "Usage")
    page.locator(".row-link").first.click()
    member.look_at("Request")
    expect(page.get_by_role("main")).to_contain_text("Rounded up, once")
    steps.open_section(member, "Settings")
    member.look_at("Settings")


_WATCH_SHIFTS = """
    window.shifts = [];
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => {
        if (!entry.hadRecentInput) window.shifts.push(entry.startTime);
    })).observe({type: "layout-shift", buffered: true});
"""
# A shift of our own comes after all others: once it is reported, those are, too.
_SHIFT = """
    () => {
        const planted = performance.now();
        const block = document.createElement("div");
        block.style.height = "200px";
        document.body.prepend(block);
        return planted;
    }
"""
_LOADED = """
    [...document.querySelectorAll("link[rel=stylesheet], script[src]")].map(
        (one) => (one.href || one.src).split(".").pop())
"""


def test_pages_load_little_and_nothing_moves_meanwhile(member: Visitor) -> None:
    page = member.page
    page.add_init_script(_WATCH_SHIFTS)
    for address in ("/docs/quickstart", "/developers/keys", "/developers/billing/ledger"):
        page.goto(address)
        page.wait_for_load_state("networkidle")

        planted = page.evaluate(_SHIFT)

        page.wait_for_function(
            "(planted) => window.shifts.some((at) => at >= planted)", arg=planted
        )
        assert [at for at in page.evaluate("window.shifts") if at < planted] == [], address
        kinds = page.evaluate(_LOADED)
        assert kinds.count("css") == 1
        assert 0 < kinds.count("js") <= 3
