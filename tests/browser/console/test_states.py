"""The console when something is in the way: credits, the network, the session, a file."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, StorageState, expect

from tests.browser import chromium, console_models
from tests.browser.console_models import ATLAS, GRAND
from tests.browser.console_page import PATH, Console, fill_in_sign_in, with_config
from tests.browser.product import Product
from tests.browser.steps import DEMO
from tests.browser.visitor import Visitor
from tests.support.replies import answers, event, says, silence, wait
from tests.support.scripted_upstream import Play, ScriptedUpstream
from tests.support.waiting import eventually

pytestmark = chromium.NEEDED

FORTY_MB = 40_000_000


def test_a_call_that_the_balance_does_not_cover_says_so_before_and_after(
    console: Console, upstream: ScriptedUpstream
) -> None:
    console.visitor.expect_failures("402")
    script = upstream.script(says("Never asked"))
    console.choose_model(GRAND)
    console.page.get_by_label("max_tokens").fill("600,000")
    console.write(script.prompt)
    expect(console.notices).to_contain_text("The next run may cost more than the")
    expect(console.notices.get_by_role("link", name="Top up")).to_be_visible()
    console.run()

    box = console.answer.locator(".callout")
    expect(box).to_contain_text("Not enough credits")
    expect(box).to_contain_text("Nothing was charged.")
    expect(box).to_contain_text("It fits with max_tokens of")
    expect(box.get_by_role("link", name="Top up")).to_be_visible()
    assert script.requests == []
    console.visitor.glance()


def test_without_credits_the_page_says_so_before_anything_is_written(
    console: Console, upstream: ScriptedUpstream
) -> None:
    console.visitor.expect_failures("402")
    script = upstream.script(says("Never asked"))
    balance = console.balance()
    console.give(-balance)
    try:
        console.reload()
        expect(console.notices).to_contain_text("There are no credits left")
        expect(console.notices.get_by_role("link", name="Top up")).to_be_visible()
        console.choose_model(ATLAS)
        console.write(script.prompt)
        expect(console.page.locator("#bound")).to_contain_text("more than the 0 available")
        console.run()

        box = console.answer.locator(".callout")
        expect(box).to_contain_text("Not enough credits")
        expect(box).not_to_contain_text("It fits")
        expect(console.last_end).to_contain_text("0 credits")
        console.visitor.glance()
    finally:
        console.give(balance)
    console.write(f"{script.prompt}!")
    expect(console.notices).not_to_contain_text("no credits left")
    assert script.requests == []


def test_credits_that_a_running_call_holds_are_named(
    console: Console, upstream: ScriptedUpstream
) -> None:
    console.visitor.expect_failures("404")
    script = upstream.script(console_models.says_until("Held", silence))
    console.choose_model(GRAND)
    console.page.get_by_label("max_tokens").fill("400000")
    console.write(script.prompt)
    console.run()
    expect(console.answer).to_contain_text("Held")
    console.write(f"{script.prompt} again")

    expect(console.notices).to_contain_text(re.compile(r"credits are held by calls that still run"))
    console.visitor.glance()
    console.page.keyboard.press("Escape")
    console.wait_for_end()
    expect(console.notices).not_to_contain_text("are held")


@pytest.mark.parametrize(
    ("play", "title", "note"),
    [
        (
            answers(b'{"type":"error","error":{"type":"overloaded_error"}}', status=529),
            "The model is busy",
            "Nothing was charged.",
        ),
        (
            console_models.says_until(
                "Half a",
                wait,
                event("error", error={"type": "overloaded_error", "message": "Overloaded"}),
            ),
            "The answer broke off",
            "What had arrived is kept, and not charged.",
        ),
    ],
    ids=["before the answer", "in mid-stream"],
)
def test_an_error_keeps_what_arrived_and_says_what_to_do(
    console: Console, upstream: ScriptedUpstream, play: Play, title: str, note: str
) -> None:
    console.visitor.expect_failures("529")
    script = upstream.script(play)
    console.choose_model(ATLAS)
    console.write(script.prompt)
    console.run()
    if is_begun := title == "The answer broke off":
        expect(console.answer).to_contain_text("Half a")
        script.release()

    expect(console.answer.locator(".callout")).to_contain_text(title)
    expect(console.answer).to_contain_text(note)
    expect(console.last_end).to_contain_text("Call 1 failed")
    expect(console.last_end).to_contain_text("0 credits")
    if is_begun:
        expect(console.answer).to_contain_text("Half a")
    expect(console.spoken()).to_contain_text("Failed: ")
    console.visitor.glance()


def test_a_refusal_and_a_cut_answer_are_told_apart_from_a_complete_one(
    console: Console, upstream: ScriptedUpstream
) -> None:
    refusing = upstream.script(console_models.ends("I cannot.", reason="refusal"))
    console.choose_model(ATLAS)
    console.write(refusing.prompt)
    console.run()
    console.wait_for_end()
    expect(console.last_end).to_contain_text("The model declined to answer.")
    expect(console.spoken()).to_contain_text("The model declined to answer")
    console.visitor.glance()

    cut = upstream.script(console_models.ends("And then", reason="max_tokens"))
    console.write(cut.prompt)
    console.run()
    expect(console.last_end).to_contain_text("The answer was cut at max_tokens = 1,024.")
    console.visitor.glance()
    console.page.get_by_role("button", name="Set it to 2,048").click()
    expect(console.page.get_by_label("max_tokens")).to_have_value("2048")
    expect(console.page.locator("#run")).to_be_focused()


def test_without_a_network_the_request_stays_and_runs_later(
    console: Console, upstream: ScriptedUpstream
) -> None:
    console.visitor.expect_failures("ERR_INTERNET_DISCONNECTED", "htmx:")
    script = upstream.script(says("Back again"))
    console.choose_model(ATLAS)
    console.write(script.prompt)
    console.bound()
    console.page.context.set_offline(True)
    expect(console.notices).to_contain_text("You are offline. Your draft is kept")
    console.run()
    expect(console.answer.locator(".callout")).to_contain_text("You are offline")
    expect(console.last_end).to_contain_text("0 credits")
    console.visitor.glance()

    console.page.context.set_offline(False)
    expect(console.notices).not_to_contain_text("You are offline")
    console.run()
    expect(console.answer).to_contain_text("Back again")


def test_a_session_that_ends_in_mid_stream_takes_nothing_away(
    console: Console, upstream: ScriptedUpstream
) -> None:
    console.visitor.expect_failures("401", "400")
    script = upstream.script(
        console_models.says_until("All of", wait, *console_models.rest(" it."))
    )
    page = console.page
    console.choose_model(ATLAS)
    console.write(script.prompt)
    console.run()
    expect(console.answer).to_contain_text("All of")
    page.context.clear_cookies()
    script.release()

    expect(console.notices).to_contain_text("Your session has ended. What is written here stays.")
    expect(console.answer).to_contain_text("All of it.")
    expect(console.last_end).to_contain_text("credits")
    expect(console.message()).to_have_value(script.prompt)
    console.visitor.glance()
    console.notices.get_by_role("button", name="Sign in").click()
    dialog = page.get_by_role("dialog", name="Sign in to go on")
    expect(dialog.get_by_label("Email")).to_have_value(DEMO.email)
    dialog.get_by_label("Password").fill("not the password")
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog.get_by_role("alert")).to_contain_text("password")
    console.visitor.glance()
    dialog.get_by_label("Password").fill(DEMO.password)
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()

    expect(console.notices).not_to_contain_text("Your session has ended.")
    again = upstream.script(says("Signed in again"))
    console.write(again.prompt)
    console.run()
    expect(console.answer).to_contain_text("Signed in again")


def test_a_provider_signs_in_again_in_a_new_tab_and_the_console_goes_on(
    console: Console, upstream: ScriptedUpstream
) -> None:
    console.visitor.expect_failures("401")
    page = console.page
    asked: list[str] = []

    def provider(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(body="GitHub asks", content_type="text/plain")

    page.context.route("https://github.com/**", provider)
    script = upstream.script(says("Signed in elsewhere"))
    console.choose_model(ATLAS)
    console.write(script.prompt)
    console.bound()
    page.context.clear_cookies()
    console.run()
    console.notices.get_by_role("button", name="Sign in").click()
    dialog = page.get_by_role("dialog", name="Sign in to go on")
    expect(dialog.get_by_label("Password")).to_be_focused()
    console.visitor.examine()
    eventually(lambda: cookie(page, "csrftoken") is not None, what="a new CSRF token")
    with page.context.expect_page() as opened:
        dialog.get_by_role("button", name="Continue with GitHub").click()
    other = opened.value
    expect(other.get_by_text("GitHub asks")).to_be_visible()
    assert "client_id=of-the-tests" in asked[0]

    other.goto("/accounts/login/?next=/developers/console/signed-in")
    other.get_by_label("Email").fill(DEMO.email)
    other.get_by_label("Password", exact=True).fill(DEMO.password)
    other.get_by_role("button", name="Sign in", exact=True).click()
    expect(other.get_by_role("heading", level=1)).to_have_text("You are signed in")
    other.close()
    page.bring_to_front()
    page.evaluate("dispatchEvent(new Event('focus'))")

    expect(dialog).to_be_hidden()
    expect(console.notices).not_to_contain_text("Your session has ended.")
    expect(console.message()).to_have_value(script.prompt)
    console.run()
    expect(console.answer).to_contain_text("Signed in elsewhere")


def test_a_page_of_another_workspace_sends_nothing(
    console: Console, upstream: ScriptedUpstream
) -> None:
    console.visitor.expect_failures("403")
    script = upstream.script(says("Never asked"))
    page = console.page
    page.route(f"**{PATH}", with_config(lambda config: config | {"owner": "1.999999"}))
    console.reload()
    console.choose_model(ATLAS)
    console.write(script.prompt)

    expect(console.notices).to_contain_text("Nothing is sent from here.")
    console.run()
    expect(console.last_end).to_contain_text("0 credits")
    console.visitor.glance()
    page.unroute(f"**{PATH}")
    console.notices.get_by_role("button", name="Reload for the other workspace").click()
    console.wait_until_ready()
    assert script.requests == []


def test_the_poll_of_the_balance_does_not_reload_a_console_that_is_signed_out(
    console: Console,
) -> None:
    console.visitor.expect_failures("401")
    console.write("Not sent yet")
    console.page.evaluate("window.isSamePage = true")
    console.page.context.clear_cookies()
    console.page.evaluate("document.body.dispatchEvent(new Event('balance-changed'))")

    expect(console.notices).to_contain_text("Your session has ended.")
    assert console.page.evaluate("window.isSamePage") is True
    expect(console.message()).to_have_value("Not sent yet")


def test_invalid_tools_are_marked_where_they_are_written_and_nothing_is_sent(
    console: Console, upstream: ScriptedUpstream
) -> None:
    console.visitor.expect_failures("400")
    script = upstream.script(says("Never asked"))
    console.choose_model(ATLAS)
    console.write(script.prompt)
    console.page.locator("#tools-fold > summary").click()
    editor = console.page.locator(".cm-content")
    write_in(editor, '[{"name": "x",}]')
    problem = console.page.locator("#tools-problem")
    expect(problem).to_have_text(re.compile("^Line 1, column 15: "))
    console.run()
    expect(editor).to_be_focused()
    expect(console.spoken()).to_contain_text("Not sent. Line 1, column 15: ")

    write_in(editor, '[{"name": "x", "input_schema": "no schema"}]')
    expect(problem).to_have_text("tools.0.input_schema: Input should be an object")
    expect(console.page.locator("#tools-summary")).to_have_class(re.compile("is-invalid"))
    console.visitor.glance()
    write_in(editor, '[{"name": "x", "input_schema": {"type": "object"}}]')
    expect(problem).to_be_hidden()
    expect(console.page.locator("#tools-summary")).to_have_class(re.compile("is-valid"))
    assert script.requests == []


def test_a_schema_that_is_none_is_warned_of_and_runs_all_the_same(
    console: Console, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(says("It did not mind"))
    console.choose_model(ATLAS)
    console.write(script.prompt)
    console.page.locator("#tools-fold > summary").click()
    schema = {"type": "object", "properties": {"sku": {"type": "strin"}}}
    write_in(
        console.page.locator(".cm-content"),
        json.dumps([{"name": "stock", "input_schema": schema}]),
    )

    warnings = console.page.locator("#tools-warnings")
    expect(warnings).to_contain_text("tools.0.input_schema.properties.sku.type: Not one of")
    expect(warnings).to_contain_text("The call can be made.")
    expect(console.page.locator("#tools-summary")).to_have_class(re.compile("is-warned"))
    console.visitor.glance()
    console.run()
    expect(console.answer).to_contain_text("It did not mind")
    assert script.requests[0].body["tools"][0]["input_schema"] == schema


def test_other_faults_are_marked_at_their_field(console: Console) -> None:
    console.visitor.expect_failures("400")
    console.write("Hello")
    console.page.get_by_label("temperature").fill("3")
    expect(console.page.locator("#e-temperature")).to_have_text(
        "temperature: Input should be less than or equal to 1"
    )
    console.page.get_by_label("temperature").fill("warm")
    expect(console.page.locator("#e-temperature")).to_have_text("Give a number.")
    console.page.get_by_label("temperature").fill("")
    console.page.get_by_role("button", name="Message", exact=True).click()
    expect(console.page.locator(".message").nth(1).locator(".problem")).to_be_hidden()


def test_a_file_of_40_mb_is_refused_before_anything_is_sent(
    console: Console, tmp_path: Path
) -> None:
    large = tmp_path / "photo.png"
    large.write_bytes(b"\x89PNG" + bytes(FORTY_MB))
    strange = tmp_path / "movie.mov"
    strange.write_bytes(b"moov")
    console.page.locator("#file-input").set_input_files([large, strange])

    expect(console.notices).to_contain_text("photo.png is 40 MB: a request takes up to 25 MB")
    expect(console.notices).to_contain_text("movie.mov: attach JPEG, PNG, GIF or WebP images")
    expect(console.page.locator(".part-file")).to_have_count(0)
    console.visitor.glance()


def test_files_are_dropped_pasted_and_removed(console: Console) -> None:
    hand_over = """
        ([kind, name, type]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File(["some text"], name, {type}));
            const target = document.querySelector("#messages textarea");
            const init = {bubbles: true, cancelable: true};
            target.dispatchEvent(kind === "drop"
                ? new DragEvent("drop", {...init, dataTransfer: transfer})
                : new ClipboardEvent("paste", {...init, clipboardData: transfer}));
        }
    """
    console.page.evaluate(hand_over, ["drop", "report.pdf", "application/pdf"])
    expect(console.page.get_by_text("report.pdf")).to_be_visible()
    console.page.evaluate(hand_over, ["paste", "notes.md", "text/markdown"])
    expect(console.page.get_by_text("notes.md")).to_be_visible()
    console.show("Request")
    shown = json.loads(console.page.locator(".request-view pre").inner_text())
    sources = [block["source"] for block in shown["messages"][0]["content"]]
    assert sources[0] == {"type": "base64", "media_type": "application/pdf", "data": "c29tZSB0ZXh0"}
    assert sources[1] == {"type": "text", "media_type": "text/plain", "data": "some text"}

    console.page.get_by_role("button", name="Remove report.pdf").click()
    expect(console.page.get_by_text("report.pdf")).to_have_count(0)


def test_on_a_phone_request_and_answer_are_tabs(
    console: Console, upstream: ScriptedUpstream
) -> None:
    console.visitor.expect_failures("404")  # until the record of a stopped call is written
    script = upstream.script(console_models.says_until("On a phone", silence))
    console.page.set_viewport_size({"width": 390, "height": 844})
    console.choose_model(ATLAS)
    console.write(script.prompt)
    expect(console.page.locator(".console-results")).to_be_hidden()
    expect(console.page.locator("#run kbd")).to_be_hidden()
    console.run()

    expect(console.answer).to_contain_text("On a phone")
    expect(console.page.locator(".request")).to_be_hidden()
    console.page.get_by_role("button", name="Stop").click()
    expect(console.last_end).to_contain_text("Call 1 stopped")
    console.page.get_by_role("button", name="Request", exact=True).click()
    expect(console.message()).to_be_visible()
    console.page.set_viewport_size({"width": 320, "height": 640})
    assert not console.page.evaluate("document.documentElement.scrollWidth > innerWidth")


def test_without_javascript_it_says_what_it_needs(
    browser: Browser, running_product: Product, tmp_path: Path
) -> None:
    visitor = Visitor(browser, home=running_product.url, has_javascript=False)
    visitor.page.goto(PATH)
    fill_in_sign_in(visitor.page)
    expect(visitor.page.get_by_text("The console needs JavaScript.")).to_be_visible()
    expect(visitor.page.get_by_role("main").get_by_role("button")).to_have_count(0)
    visitor.page.get_by_role("main").get_by_role("link", name="Quickstart").click()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Quickstart")
    visitor.leave(picture=tmp_path / "last-page.png")
    assert visitor.faults == []


def test_without_its_scripts_the_page_is_accessible(
    browser: Browser, running_product: Product, demo_session: StorageState, tmp_path: Path
) -> None:
    """axe is a script, so that scripts are not switched off, but do not arrive."""
    visitor = Visitor(browser, home=running_product.url, session=demo_session)
    visitor.expect_failures("ERR_FAILED")
    visitor.page.route("**/*.js", lambda route: route.abort())
    visitor.page.goto(PATH)
    expect(visitor.page.get_by_text("The console needs JavaScript.")).to_be_visible()
    expect(visitor.page.get_by_role("heading", level=1, name="Console")).to_be_visible()
    visitor.examine()
    visitor.leave(picture=tmp_path / "last-page.png")
    assert visitor.faults == []


def cookie(page: Page, name: str) -> str | None:
    """Return a cookie's value."""
    found = [one for one in page.context.cookies() if one.get("name") == name]
    return found[0].get("value") if found else None


def write_in(editor: Locator, text: str) -> None:
    """Replace what a CodeMirror editor holds, as a person would by keyboard."""
    editor.press("ControlOrMeta+a")
    editor.press("Delete")
    editor.page.keyboard.insert_text(text)
