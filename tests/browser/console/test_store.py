"""Drafts and history stay in the browser; a link brings a request along and runs nothing."""

import base64
import json
import zlib
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser import chromium, console_models
from tests.browser.console_models import ATLAS, VISTA
from tests.browser.console_page import PATH, Console, a_picture
from tests.browser.product import Product
from tests.support.replies import says, wait
from tests.support.scripted_upstream import ScriptedUpstream

pytestmark = chromium.NEEDED

A_LONG_TEXT = " ".join(f"word{number:x}" for number in range(9000))


def fragment_of(request: Any) -> str:
    encoded = base64.urlsafe_b64encode(json.dumps(request).encode()).decode()
    return f"#request={encoded.rstrip('=')}"


def shared(draft: Any) -> str:
    packed = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    deflated = packed.compress(json.dumps(draft).encode()) + packed.flush()
    return f"#state={base64.urlsafe_b64encode(deflated).decode().rstrip('=')}"


def test_a_draft_survives_a_reload_with_its_picture(console: Console, tmp_path: Path) -> None:
    console.choose_model(VISTA)
    console.write("Half written")
    console.page.locator("#file-input").set_input_files(a_picture(tmp_path))
    console.page.get_by_label("temperature").fill("0.2")
    console.page.get_by_role("button", name="Message", exact=True).click()
    console.write("An answer to begin with", number=2)
    console.reload()

    expect(console.page.locator("#model-name")).to_have_text(VISTA)
    expect(console.message()).to_have_value("Half written")
    expect(console.message(2)).to_have_value("An answer to begin with")
    expect(console.page.get_by_label("temperature")).to_have_value("0.2")
    expect(console.page.locator(".part-file img")).to_be_visible()
    console.show("Request")
    shown = json.loads(console.page.locator(".request-view pre").inner_text())
    assert shown["messages"][0]["content"][0]["source"]["data"]


def test_a_picture_too_large_for_the_store_is_kept_by_name_and_said_so(
    console: Console, tmp_path: Path
) -> None:
    large = tmp_path / "large.png"
    large.write_bytes(a_picture(tmp_path).read_bytes() + bytes(2_000_000))
    console.write("What is this?")
    console.page.locator("#file-input").set_input_files(large)
    expect(console.notices).to_contain_text("too large for this browser's store")
    console.reload()

    expect(console.page.locator(".part-file")).to_contain_text("its data is not kept here")
    console.run()
    expect(console.page.locator(".request-part > .problem").first).to_contain_text(
        "Attach the files again"
    )
    expect(console.page.locator(".end-line")).to_have_count(0)


def test_new_begins_again_and_can_be_undone(console: Console) -> None:
    console.write("Not lost")
    console.page.get_by_role("button", name="New", exact=True).click()
    expect(console.message()).to_have_value("")
    console.page.get_by_role("button", name="Bring the last one back").click()
    expect(console.message()).to_have_value("Not lost")


def test_that_a_request_began_empty_is_not_said_beside_its_answer(
    console: Console, upstream: ScriptedUpstream
) -> None:
    console.choose_model(ATLAS)
    console.page.get_by_role("button", name="New", exact=True).click()
    notice = console.page.get_by_text("Started again with an empty request.")
    expect(notice).to_be_visible()

    console.write(upstream.script(says("Hello")).prompt)
    console.run()
    console.wait_for_end()

    expect(notice).to_have_count(0)


def test_the_history_brings_a_run_back_and_never_leaves_the_browser(
    console: Console, upstream: ScriptedUpstream, running_product: Product
) -> None:
    script = upstream.script(says("Remembered answer"))
    console.choose_model(ATLAS)
    console.write(script.prompt)
    console.run()
    console.wait_for_end()
    console.page.get_by_role("button", name="New", exact=True).click()
    console.write("Something else")
    console.reload()
    console.page.get_by_role("button", name="History").click()
    dialog = console.page.get_by_role("dialog", name="History")
    expect(dialog).to_contain_text("kept in this browser alone")
    expect(dialog).to_contain_text("28 credits, $0.00028")
    dialog.get_by_role("button", name=script.prompt).click()

    expect(console.message()).to_have_value(script.prompt)
    expect(console.answer).to_contain_text("Remembered answer")
    expect(console.last_end).to_contain_text("28 credits")
    console.show("Events")
    expect(console.page.locator(".events")).to_contain_text("The history keeps no events.")
    console.show("Request")
    shown = json.loads(console.page.locator(".request-view pre").inner_text())
    assert shown == {
        "model": ATLAS,
        "max_tokens": 1024,
        "messages": [{"role": "user", "content": script.prompt}],
        "stream": True,
    }
    assert running_product.files_with(script.prompt) == []

    console.page.get_by_role("button", name="History").click()
    dialog.get_by_role("button", name="Clear").click()
    expect(dialog).to_contain_text("Runs appear here as soon as they end.")
    assert console.stored("history") is None


def test_a_page_that_is_left_before_the_record_is_read_has_kept_its_run(
    console: Console, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(says("Kept at once"))
    records = "**/console/runs/*"
    console.page.route(records, lambda _: None)  # never answered
    console.choose_model(ATLAS)
    console.write(script.prompt)
    console.run()
    expect(console.last_end).to_contain_text("Call 1 end_turn")
    console.write("Another draft")
    console.reload()
    console.page.unroute(records)
    console.page.get_by_role("button", name="History").click()
    console.page.locator(".history-entry", has_text=script.prompt).click()

    expect(console.answer).to_contain_text("Kept at once")
    expect(console.message()).to_have_value(script.prompt)
    # The record is read now, since it was not then.
    expect(console.page.get_by_role("button", name="Receipt")).to_be_visible()
    assert console.spent(console.request_ids()) == [console.charged()]


def test_the_history_keeps_what_was_run_and_not_what_was_written_since(
    console: Console, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(console_models.says_until("Going on", wait, *console_models.rest(".")))
    console.choose_model(ATLAS)
    console.write(script.prompt)
    console.run()
    expect(console.answer).to_contain_text("Going on")
    console.write("Written while it ran")
    script.release()
    console.wait_for_end()

    [entry] = console.stored("history")
    assert entry["draft"]["messages"][0]["parts"][0]["text"] == script.prompt


def test_the_history_keeps_twenty_runs(console: Console, upstream: ScriptedUpstream) -> None:
    script = upstream.script(says("Short"))
    console.choose_model(ATLAS)
    console.write(script.prompt)
    console.run()
    console.wait_for_end()
    console.page.evaluate(
        """() => {
            const key = Object.keys(localStorage).find((one) => one.startsWith("console.history."));
            const [entry] = JSON.parse(localStorage.getItem(key));
            const many = Array.from({length: 20}, (_, n) => ({...entry, id: `old${n}`}));
            localStorage.setItem(key, JSON.stringify(many));
        }"""
    )
    console.run()
    console.wait_for_end()
    console.page.get_by_role("button", name="History").click()

    expect(console.page.locator(".history-entry")).to_have_count(20)
    ids = [entry["id"] for entry in console.stored("history")]
    assert ids[0] not in {"old0", "old19"}
    assert ids[-1] == "old18"


def test_a_shared_link_holds_the_request_and_runs_nothing(
    console: Console, upstream: ScriptedUpstream, running_product: Product, tmp_path: Path
) -> None:
    script = upstream.script(says("Not asked"))
    console.choose_model(ATLAS)
    console.write(script.prompt)
    console.page.locator("#file-input").set_input_files(a_picture(tmp_path))
    expect(console.page.locator(".part-file")).to_be_visible()
    console.page.get_by_label("max_tokens").fill("77")
    console.page.get_by_role("button", name="Share").click()
    dialog = console.page.get_by_role("dialog", name="Share this request")
    expect(dialog).to_contain_text("browsers never send to a server")
    expect(dialog).to_contain_text("1 file not included")
    link = console.page.get_by_label("Link", exact=True).input_value()
    dialog.get_by_role("button", name="Copy the link").click()
    expect(dialog).to_contain_text("Copied")
    assert console.visitor.copied() == link
    assert script.prompt not in link

    console.page.keyboard.press("Escape")
    console.page.get_by_role("button", name="New", exact=True).click()
    console.write("My own draft")
    requested: list[str] = []
    console.page.on("request", lambda request: requested.append(request.url))
    console.page.goto("/developers/usage")
    console.page.goto(link.removeprefix(running_product.url))
    console.wait_until_ready()
    expect(console.message()).to_have_value(script.prompt)
    expect(console.page.get_by_label("max_tokens")).to_have_value("77")
    expect(console.notices).to_contain_text("This request came from a link somebody shared.")
    expect(console.notices).to_contain_text("Nothing has run")
    assert script.requests == []
    assert not any("state=" in url.partition("#")[0] for url in requested)
    assert console.page.evaluate("location.hash") == ""
    console.page.get_by_role("button", name="Back to my draft").click()
    expect(console.message()).to_have_value("My own draft")


def test_an_example_of_the_docs_opens_with_every_field(console: Console) -> None:
    request = {
        "model": VISTA,
        "max_tokens": 64,
        "system": [{"type": "text", "text": "Long.", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": "What time is it?"},
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": "t1", "name": "clock", "input": {}}],
            },
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "noon"}],
            },
        ],
        "tools": [{"name": "clock", "input_schema": {"type": "object"}}],
        "tool_choice": {"type": "tool", "name": "clock"},
        "metadata": {"user_id": "u1"},
    }
    console.page.goto("/developers/usage")
    console.open(fragment_of(request))

    expect(console.notices).to_contain_text("This request came from an example.")
    expect(console.page.locator("#extra-note")).to_contain_text("metadata")
    console.show("Request")
    assert json.loads(console.page.locator(".request-view pre").inner_text()) == request


def test_a_damaged_or_hostile_link_leaves_the_draft_alone(console: Console) -> None:
    console.write("Still mine")
    for fragment in ("#state=%%%", "#request=e30", "#state=AAAA"):
        console.page.goto("/developers/usage")
        console.open(fragment)
        expect(console.notices).to_contain_text("The link could not be read")
        expect(console.message()).to_have_value("Still mine")


def test_a_link_sends_nothing_that_the_page_does_not_show(console: Console) -> None:
    other = [{"role": "user", "content": "Another question"}]
    rest = {"text": "Another question", "type": "image", "cache_control": {"type": "ephemeral"}}
    part = {"kind": "text", "text": "Hello", "rest": rest}
    draft = {
        "model": VISTA,
        "messages": [{"role": "user", "parts": [part]}],
        "extra": {"messages": other, "model": ATLAS, "max_tokens": 9_999, "metadata": {}},
    }
    console.page.goto("/developers/usage")
    console.open(shared(draft))

    expect(console.message()).to_have_value("Hello")
    expect(console.page.locator("#extra-note")).to_contain_text(": metadata (1 field)")
    console.show("Request")
    assert json.loads(console.page.locator(".request-view pre").inner_text()) == {
        "model": VISTA,
        "max_tokens": 1024,
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Hello", "cache_control": {"type": "ephemeral"}}
                ],
            }
        ],
        "metadata": {},
        "stream": True,
    }


def test_a_link_with_more_messages_than_a_page_can_draw_is_refused(console: Console) -> None:
    console.write("Still mine")
    message: dict[str, Any] = {"role": "user", "parts": [], "content": []}
    crowded = message | {"parts": [{}] * 1001, "content": [{}] * 1001}
    for messages in ([message] * 1001, [crowded]):
        for fragment in (shared({"messages": messages}), fragment_of({"messages": messages})):
            console.page.goto("/developers/usage")
            console.open(fragment)
            expect(console.notices).to_contain_text("There are too many messages in it.")
            expect(console.message()).to_have_value("Still mine")


def test_blocks_without_their_members_are_drawn_and_survive_a_reload(console: Console) -> None:
    console.visitor.expect_failures("400")  # the check refuses such blocks
    blocks = [{"type": "thinking"}, {"type": "tool_use"}]
    request = {"messages": [{"role": "assistant", "content": blocks}], "tool_choice": {"type": 1}}
    console.page.goto("/developers/usage")
    console.open(fragment_of(request))
    expect(console.page.locator(".part-raw")).to_have_count(2)
    console.reload()

    expect(console.page.locator(".part-raw")).to_have_count(2)


def test_a_damaged_store_opens_an_empty_console(console: Console) -> None:
    console.page.goto("/developers/usage")
    for damaged in ("nonsense", "{}", '{"messages": [{"role": "user", "parts": [{}]}]}'):
        console.page.goto("/developers/usage")
        console.page.evaluate(
            """(damaged) => {
                const keys = Object.keys(localStorage).filter((key) => key.includes("console."));
                for (const key of keys) localStorage.setItem(key, damaged);
            }""",
            damaged,
        )
        console.open()
        expect(console.message()).to_have_value("")


def test_a_request_too_long_for_a_link_says_so(console: Console) -> None:
    console.write(A_LONG_TEXT)
    console.page.get_by_role("button", name="Share").click()

    expect(console.page.locator("#share-note")).to_contain_text("too long for a link")
    expect(console.page.get_by_role("button", name="Copy the link")).to_be_disabled()


def test_the_page_says_where_drafts_are_kept(console: Console) -> None:
    assert console.page.url.endswith(PATH)
    expect(console.page.get_by_role("main")).to_contain_text(
        "History and drafts stay in this browser."
    )


@pytest.mark.parametrize("width", [1280, 1000, 834])
def test_where_drafts_are_kept_is_readable_whole(console: Console, width: int) -> None:
    console.page.set_viewport_size({"width": width, "height": 900})

    text = console.page.locator(".what-this-is").filter(visible=True)
    expect(text).to_contain_text("History and drafts stay in this browser.")
    assert not text.evaluate(
        "(one) => one.scrollWidth > one.clientWidth || one.scrollHeight > one.clientHeight"
    )
