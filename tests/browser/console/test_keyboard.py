"""The console by keyboard alone, its focus, and what it loads and when."""

from playwright.sync_api import Request, Route, expect

from tests.browser import chromium, console_models
from tests.browser.console_models import ATLAS
from tests.browser.console_page import PATH, Console
from tests.browser.visitor import DESKTOP, PHONE
from tests.support.replies import says
from tests.support.scripted_upstream import ScriptedUpstream

pytestmark = chromium.NEEDED

MOST_TABS = 60


def tab_to(console: Console, selector: str) -> None:
    """Press Tab until the element has the focus."""
    for _ in range(MOST_TABS):
        if console.page.evaluate("(one) => document.activeElement.matches(one)", selector):
            return
        console.page.keyboard.press("Tab")
    raise AssertionError(f"{selector} is not reached by Tab")


def test_a_tool_loop_by_keyboard_alone(console: Console, upstream: ScriptedUpstream) -> None:
    script = upstream.script(console_models.looks_up({"sku": "A-1"}, text="Done by keyboard."))
    keyboard = console.page.keyboard
    tab_to(console, "#model")
    keyboard.press("Enter")
    expect(console.page.get_by_role("radio", name="caicaini/auto")).to_be_focused()
    for _ in range(3):
        keyboard.press("ArrowDown")
    keyboard.press("Enter")
    expect(console.page.locator("#model-name")).to_have_text(ATLAS)
    expect(console.page.locator("#model")).to_be_focused()

    tab_to(console, "#tools-fold > summary")
    keyboard.press("Enter")
    expect(console.page.locator(".cm-content")).to_be_visible()
    tab_to(console, "#tools-sample")
    keyboard.type("stock")
    expect(console.page.locator("#tools-summary")).to_contain_text("stock_lookup")
    tab_to(console, "#messages textarea")
    keyboard.type(script.prompt)
    keyboard.press("Control+Enter")
    console.wait_for_end()

    tab_to(console, ".result-input")
    keyboard.type("12 in Lyon")
    keyboard.press("Control+Enter")
    console.wait_for_end(calls=2)
    expect(console.answer).to_contain_text("Done by keyboard.")
    tab_to(console, "[role=tab][aria-selected=true]")
    keyboard.press("ArrowRight")
    keyboard.press("ArrowRight")
    expect(console.page.get_by_role("tab", name="Events")).to_be_focused()
    expect(console.page.locator(".events-table")).to_be_visible()
    keyboard.press("End")
    expect(console.page.locator(".code-view")).to_be_visible()


def run_with_a_tool(console: Console, prompt: str) -> None:
    """Run until the model waits for the result of its call."""
    console.choose_model(ATLAS)
    console.write(prompt)
    console.page.locator("#tools-fold > summary").click()
    expect(console.page.locator(".cm-content")).to_be_visible()
    console.page.locator("#tools-sample").select_option("stock")
    expect(console.page.locator("#tools-summary")).to_contain_text("stock_lookup")
    console.run()
    console.wait_for_end()


def test_an_empty_result_is_asked_about_and_sent_where_it_is_meant(
    console: Console, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(console_models.looks_up({"sku": "A-1"}, text="Nothing is in stock."))
    keyboard = console.page.keyboard
    run_with_a_tool(console, script.prompt)

    send = console.page.get_by_role("button", name="Send results")
    send.dblclick()  # the second click confirms nothing
    question = console.answer.get_by_text("The result of stock_lookup is empty. Send it as it is?")
    expect(question).to_be_visible()
    field = console.page.get_by_label("Result of stock_lookup")
    expect(field).to_be_focused()
    expect(console.spoken()).to_contain_text("Not sent.")
    console.visitor.examine()
    keyboard.type("1")
    expect(question).to_be_hidden()
    keyboard.press("Backspace")
    keyboard.press("Control+Enter")
    expect(question).to_be_visible()
    assert len(script.requests) == 1

    keyboard.press("Control+Enter")
    console.wait_for_end(calls=2)
    expect(console.answer).to_contain_text("Nothing is in stock.")
    expect(console.page.locator(".tool-result")).to_contain_text("Sent empty.")
    [result] = script.requests[1].body["messages"][2]["content"]
    assert result["content"] == ""


def test_the_button_sends_an_empty_result_anyway(
    console: Console, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(console_models.looks_up({"sku": "A-1"}, text="Nothing is in stock."))
    run_with_a_tool(console, script.prompt)

    console.page.get_by_role("button", name="Send results").click()
    tab_to(console, ".send-anyway")
    console.page.keyboard.press("Enter")

    console.wait_for_end(calls=2)
    expect(console.answer).to_contain_text("Nothing is in stock.")


def test_messages_are_added_moved_and_deleted_by_keyboard(console: Console) -> None:
    keyboard = console.page.keyboard
    console.write("first")
    tab_to(console, "#add-message")
    keyboard.press("Enter")
    expect(console.message(2)).to_be_focused()
    keyboard.type("second")
    keyboard.press("Alt+ArrowUp")
    expect(console.message(1)).to_have_value("second")
    expect(console.message(1)).to_be_focused()
    expect(console.spoken()).to_have_text("Message 1 of 2.")

    keyboard.press("Shift+Tab")
    keyboard.press("Enter")
    menu = console.page.get_by_role("menu", name="Message 1: more")
    expect(menu.get_by_role("menuitem", name="Move down")).to_be_focused()
    keyboard.press("End")
    expect(menu.get_by_role("menuitem", name="Delete")).to_be_focused()
    console.visitor.glance()
    keyboard.press("Enter")
    expect(console.page.locator("#messages > li")).to_have_count(1)
    expect(console.message(1)).to_have_value("first")
    expect(console.message(1)).to_be_focused()


def test_escape_closes_what_is_open_before_it_stops_a_run(
    console: Console, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(
        console_models.says_until("Going on", *console_models.ends_on_release())
    )
    console.choose_model(ATLAS)
    console.write(script.prompt)
    console.run()
    expect(console.answer).to_contain_text("Going on")
    console.page.get_by_role("button", name="History").click()
    expect(console.page.get_by_role("dialog", name="History")).to_be_visible()
    console.page.keyboard.press("Escape")
    expect(console.page.get_by_role("dialog", name="History")).to_be_hidden()
    expect(console.page.locator("#stop")).to_be_visible()
    script.release()
    console.wait_for_end()
    expect(console.last_end).to_contain_text("Call 1 end_turn")


def test_an_open_list_stays_on_a_screen_that_becomes_narrower(console: Console) -> None:
    page = console.page
    for button in (page.locator("#model"), page.get_by_role("button", name="History")):
        button.click()
        opened = page.locator(".popover:popover-open")
        expect(opened).to_be_visible()
        page.set_viewport_size(PHONE)
        fits = "(one) => one.getBoundingClientRect().right <= innerWidth"
        page.wait_for_function(fits, arg=opened.element_handle())
        page.set_viewport_size(DESKTOP)
        page.keyboard.press("Escape")


def test_the_editor_is_loaded_on_its_first_use_alone(
    console: Console, upstream: ScriptedUpstream
) -> None:
    loaded: list[str] = []

    def note(request: Request) -> None:
        loaded.append(request.url.rpartition("/")[2])

    console.page.on("request", note)
    console.reload()
    assert not any("editor" in name for name in loaded)
    assert sum(name.endswith(".js") for name in loaded) <= 3

    console.page.locator("#tools-fold > summary").click()
    expect(console.page.locator(".cm-content")).to_be_visible()
    assert sum("editor" in name for name in loaded) == 1
    console.page.locator(".cm-content").press("a")
    expect(console.page.locator("#tools-problem")).to_be_visible()

    script = upstream.script(says("Unused"))
    console.write(script.prompt)
    console.page.locator("#tools-clear").click()
    expect(console.page.locator("#tools-problem")).to_be_hidden()
    console.bound()


WATCH_SHIFTS = """
    window.shifts = [];
    new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map((entry) => ({
        at: entry.startTime,
        of: entry.sources.map(({node}) => node?.outerHTML?.slice(0, 80)),
    })))).observe({type: "layout-shift", buffered: true});
"""
# A shift of our own comes after all others: once it is reported, those are, too.
SHIFT = """
    () => {
        const planted = performance.now();
        const block = document.createElement("div");
        block.style.height = "50px";
        document.querySelector(".console").before(block);
        return planted;
    }
"""


def load_slowly(console: Console) -> None:
    """Open the page; its script arrives once everything else has been painted."""
    page, held = console.page, list[Route]()
    page.route("**/console-*.js", lambda route: held.append(route))
    page.goto(PATH, wait_until="commit")
    expect(page.locator("#console")).to_be_visible()
    page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    held[0].continue_()
    page.unroute("**/console-*.js")
    console.wait_until_ready()


def test_nothing_moves_while_the_page_loads(console: Console) -> None:
    console.page.add_init_script(WATCH_SHIFTS)
    for size in (DESKTOP, PHONE):
        console.page.set_viewport_size(size)
        load_slowly(console)
        expect(console.page.locator("#model-route")).to_contain_text("would take")
        planted = console.page.evaluate(SHIFT)
        is_seen = "(at) => window.shifts.some((one) => one.at >= at)"
        console.page.wait_for_function(is_seen, arg=planted)

        shifts = console.page.evaluate("window.shifts")
        assert [shift for shift in shifts if shift["at"] < planted] == [], size
