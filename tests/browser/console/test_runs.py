"""A developer runs calls in the console: a tool loop, a stop, a comparison, the code of a run."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from embedded.subprocesses import PROJECT
from tests.browser import chromium, console_models
from tests.browser.console_models import ATLAS, VISTA
from tests.browser.console_page import Console, a_picture
from tests.browser.product import Product
from tests.support import node
from tests.support.replies import after_release, says, silence, wait
from tests.support.scripted_upstream import ScriptedUpstream

pytestmark = chromium.NEEDED

# 14 tokens in at half a credit; 23 out at 0.9 and at half a credit; rounded up.
ATLAS_CREDITS, VISTA_CREDITS = 28, 19


def test_a_tool_loop_with_an_image_goes_from_an_empty_console_to_its_answer(
    console: Console, upstream: ScriptedUpstream, running_product: Product, tmp_path: Path
) -> None:
    play = console_models.looks_up({"sku": "A-113"}, text="**Ship** from Lyon.")
    script = upstream.script(play)
    console.choose_model(ATLAS)
    console.page.locator("#file-input").set_input_files(a_picture(tmp_path))
    console.write(f"Where is this? {script.prompt}")
    add_sample_tool(console)
    expect(console.page.locator("#tools-summary")).to_have_class(re.compile("is-valid"))
    bound = console.bound()
    console.page.keyboard.press("Control+Enter")

    console.wait_for_end()
    expect(console.last_end).to_contain_text("Call 1 tool_use")
    card = console.page.locator(".tool-call")
    expect(card).to_contain_text('"sku": "A-113"')
    card.get_by_label("Result of stock_lookup").fill('{"LYS": 64}')
    console.page.get_by_role("button", name="Send results").click()

    console.wait_for_end(calls=2)
    expect(console.answer.locator("strong", has_text="Ship").first).to_be_visible()
    expect(console.last_end).to_contain_text("Call 2 end_turn")
    expect(console.last_end).to_contain_text("14 in, 23 out")
    first, second = (request.body for request in script.requests)
    assert [block["type"] for block in first["messages"][0]["content"]] == ["image", "text"]
    assert first["max_tokens"] == 1024
    assert {"temperature", "top_p", "thinking", "stop_sequences"}.isdisjoint(first)
    assert second["messages"][2]["content"][0]["content"] == '{"LYS": 64}'
    assert second["messages"][2]["content"][0]["tool_use_id"] == "toolu_1"

    ids = console.request_ids()
    assert console.spent(ids) == [ATLAS_CREDITS, ATLAS_CREDITS]
    assert console.sources(ids) == ["console", "console"]
    assert console.charged() == 2 * ATLAS_CREDITS < bound
    console.visitor.examine()
    assert running_product.files_with(script.prompt) == []
    assert running_product.files_with("from Lyon.") == []


def test_an_answer_nested_too_deeply_for_markdown_is_shown_as_it_is(
    console: Console, upstream: ScriptedUpstream
) -> None:
    answer = f"{'>' * 5_000} quoted"
    script = upstream.script(says(answer))
    console.choose_model(VISTA)
    console.write(script.prompt)
    console.run()
    console.wait_for_end()

    expect(console.answer.locator(".markdown")).to_have_text(answer)
    expect(console.last_end).to_contain_text("end_turn")


def test_the_bound_before_a_run_is_what_the_run_holds(
    console: Console, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(says("Hello"))
    console.choose_model(VISTA)
    console.write(script.prompt)
    bound = console.bound()
    console.run()
    console.wait_for_end()

    expect(console.page.locator(".cost-head")).to_contain_text(
        f"of at most {bound:,} held; {bound - VISTA_CREDITS:,} released"
    )
    expect(console.spoken()).to_have_text(f"Answer complete. {VISTA_CREDITS} credits, $0.00019.")


def test_a_stopped_answer_keeps_its_text_and_shows_what_it_cost(
    console: Console, upstream: ScriptedUpstream
) -> None:
    console.visitor.expect_failures("404")  # until the record of a stopped call is written
    script = upstream.script(console_models.says_until("One two three", silence))
    console.choose_model(ATLAS)
    console.write(script.prompt)
    console.run()
    expect(console.answer).to_contain_text("One two three")
    console.page.keyboard.press("Escape")

    console.wait_for_end()
    expect(console.page.locator("#run")).to_be_focused()
    expect(console.answer).to_contain_text("One two three")
    expect(console.last_end).to_contain_text("Call 1 stopped")
    script.wait_for_hang_up()
    [spent] = console.spent(console.request_ids())
    assert spent == console.charged() > 0
    expect(console.spoken()).to_contain_text(f"Stopped. {spent} credits")
    console.visitor.glance()


@pytest.mark.parametrize("stream", ["on", "off"])
def test_a_run_that_is_stopped_before_its_answer_begins_has_its_receipt(
    console: Console, upstream: ScriptedUpstream, stream: str
) -> None:
    console.visitor.expect_failures("404")  # until the record of a stopped call is written
    script = upstream.script(after_release(says("Too late")))
    console.choose_model(ATLAS)
    console.write(script.prompt)
    console.page.get_by_label("stream", exact=True).select_option(stream)
    console.run()
    script.wait_for_request()
    console.page.keyboard.press("Escape")

    console.wait_for_end()
    expect(console.last_end).to_contain_text("Call 1 stopped")
    expect(console.last_end).to_contain_text("0 credits")
    script.wait_for_hang_up()
    [request_id] = console.request_ids()
    assert console.sources([request_id]) == ["console"]
    assert console.open_holds() == 0
    console.visitor.glance()


def test_two_models_answer_side_by_side(console: Console, upstream: ScriptedUpstream) -> None:
    script = upstream.script(says("The same answer"))
    console.write(script.prompt)
    console.page.get_by_role("button", name="Compare").click()
    console.page.get_by_label("First model").select_option(ATLAS)
    console.page.get_by_label("Second model").select_option(VISTA)
    console.page.get_by_role("button", name="Run both").click()

    expect(console.page.locator("#verdict")).to_contain_text("32% cheaper")
    columns = console.page.locator(".column")
    for column, credits in ((columns.nth(0), ATLAS_CREDITS), (columns.nth(1), VISTA_CREDITS)):
        expect(column).to_contain_text("The same answer")
        expect(column.locator(".cost-amount strong")).to_have_text(str(credits))
        expect(column.locator("dd").nth(3)).to_have_text("14 in, 23 out")
        expect(column.locator("dd").nth(0)).to_have_text(re.compile(r"^\d+(\.\d\d)? m?s$"))
    first, second = (request.body for request in script.requests)
    assert first == second
    assert sorted(console.spent(console.request_ids())) == [VISTA_CREDITS, ATLAS_CREDITS]
    console.visitor.examine()


def test_raw_events_have_arrival_times_and_runs_of_deltas_fold(
    console: Console, upstream: ScriptedUpstream
) -> None:
    play = console_models.thinks_then_says("Let me think about it", "It is done now")
    script = upstream.script(play)
    console.choose_model(ATLAS)
    console.write(script.prompt)
    console.run()
    console.wait_for_end()
    thinking = console.answer.locator("details.thinking")
    expect(thinking.locator("summary")).to_have_text(re.compile(r"Thought for [\d.]+ m?s"))
    expect(thinking).not_to_have_attribute("open", "")

    console.show("Events")
    rows = console.page.locator(".events-table tbody tr")
    expect(rows.first).to_contain_text("message_start")
    expect(rows.filter(has_text=re.compile(r"\d+ . content_block_delta"))).to_have_count(2)
    heights = {row.evaluate("(one) => one.offsetHeight") for row in rows.all()}
    assert len(heights) == 1, "a name takes more than one line"
    expect(rows.last).to_contain_text("message_stop")
    folded = console.page.get_by_role("button", name=re.compile(r"^5 . content_block_delta"))
    folded.click()
    expect(console.page.locator(".event-detail")).to_contain_text("“Let”")
    expect(console.page.locator(".timeline .chosen-frame")).to_have_count(1)
    console.page.get_by_role("button", name="Group deltas").click()
    expect(rows.filter(has_text=re.compile(r"\d+ . content_block_delta"))).to_have_count(0)
    console.visitor.examine()


def test_an_answer_without_a_stream_and_with_every_parameter(
    console: Console, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(says("In one piece"))
    page = console.page
    console.choose_model(ATLAS)
    console.write(script.prompt)
    page.get_by_label("stream", exact=True).select_option("off")
    page.get_by_label("max_tokens").fill("2,000")
    page.get_by_label("temperature").fill("0.5")
    page.get_by_label("thinking", exact=True).select_option("enabled")
    page.get_by_label("budget_tokens").fill("1500")
    page.get_by_text("More parameters").click()
    page.get_by_label("top_p").fill("0.9")
    page.get_by_label("top_k").fill("40")
    page.get_by_label("effort").select_option("low")
    page.get_by_label("stop_sequences").fill("END\nSTOP")
    page.get_by_text("Structured output").first.click()
    page.locator("#schema-sample").click()
    page.get_by_text("System", exact=True).click()
    page.get_by_label("System prompt").fill("Be short.")
    console.run()
    console.wait_for_end()

    expect(console.answer).to_contain_text("In one piece")
    body = script.requests[0].body
    assert not body.get("stream")
    assert (body["max_tokens"], body["temperature"], body["top_p"], body["top_k"]) == (
        *(2000, 0.5, 0.9),
        40,
    )
    assert body["thinking"] == {"type": "enabled", "budget_tokens": 1500}
    assert body["stop_sequences"] == ["END", "STOP"]
    assert body["system"] == "Be short."
    assert body["output_config"]["effort"] == "low"
    assert body["output_config"]["format"]["schema"]["required"] == ["title", "tags"]
    console.show("Events")
    expect(console.page.locator(".events")).to_contain_text("This answer was not streamed")


@pytest.mark.parametrize("stream", ["on", "off"])
def test_the_code_of_a_run_runs_as_it_is_copied(
    console: Console, upstream: ScriptedUpstream, tmp_path: Path, stream: str
) -> None:
    script = upstream.script(says("Copied and run"))
    console.choose_model(ATLAS)
    console.write(f'{script.prompt} "quoted" $HOME `x` \\n é 👋 </script>')
    console.page.get_by_label("temperature").fill("1")
    console.page.get_by_label("stream", exact=True).select_option(stream)
    console.run()
    console.wait_for_end()
    console.show("Request")
    shown = json.loads(console.page.locator(".request-view pre").inner_text())
    console.show("Code")
    codes = {}
    for language in ("curl", "Python", "TypeScript"):
        console.page.get_by_role("button", name=language).click()
        codes[language] = console.page.locator(".code-view pre").inner_text()
    token = new_token(console)

    environment = {
        "CAICAINI_API_KEY": token,
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
    }
    printed = [
        output_of(["sh", "-c", codes["curl"]], environment, tmp_path),
        output_of([sys.executable, "-c", codes["Python"]], environment, tmp_path),
        output_of(
            [node.executable(), "--input-type=module", "-e", codes["TypeScript"]],
            environment,
            PROJECT,
        ),
    ]

    assert all("Copied" in text and "run" in text for text in printed), printed
    ran, *copies = (request.body for request in script.requests)
    assert len(copies) == 3
    assert ran["messages"] == shown["messages"]
    assert all(copy == ran for copy in copies)


def test_the_code_says_that_image_data_is_left_out(
    console: Console, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    large = tmp_path / "large.png"
    large.write_bytes(a_picture(tmp_path).read_bytes() + b"\0" * 2000)
    console.page.locator("#file-input").set_input_files(large)
    expect(console.page.get_by_text("large.png")).to_be_visible()
    console.show("Code")

    expect(
        console.page.locator(".callout", has_text="data of images and documents is cut")
    ).to_be_visible()
    expect(console.page.locator(".code-view pre")).to_contain_text("… (")


def test_an_answer_is_replied_to_and_its_calls_stay_in_view(
    console: Console, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(says("First, then more"))
    console.choose_model(ATLAS)
    console.write(script.prompt)
    console.run()
    console.wait_for_end()
    console.page.get_by_role("button", name="Reply to this answer").click()
    expect(console.message(3)).to_be_focused()
    console.page.keyboard.type("And then?")
    console.page.keyboard.press("Control+Enter")
    console.wait_for_end(calls=2)

    roles = [message["role"] for message in script.requests[1].body["messages"]]
    assert roles == ["user", "assistant", "user"]
    assert console.charged() == 2 * ATLAS_CREDITS


def test_markup_in_an_answer_stays_text(console: Console, upstream: ScriptedUpstream) -> None:
    text = '<img src=x onerror="alert(1)"> [x](javascript:alert(2)) ![y](https://z.example/p.png)'
    script = upstream.script(says(text))
    console.choose_model(ATLAS)
    console.write(script.prompt)
    console.run()
    console.wait_for_end()

    expect(console.answer).to_contain_text('<img src=x onerror="alert(1)">')
    expect(console.answer.locator("img")).to_have_count(0)
    links = console.answer.locator(".markdown a").all()
    assert [link.get_attribute("href") for link in links] == ["https://z.example/p.png"]


def test_the_answer_streams_in_before_it_is_complete(
    console: Console, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(
        console_models.says_until("Half of", wait, *console_models.rest(" it."))
    )
    console.choose_model(ATLAS)
    console.write(script.prompt)
    console.run()

    expect(console.answer).to_contain_text("Half of")
    expect(console.page.get_by_role("button", name="Stop")).to_be_visible()
    expect(console.page.locator(".cost-head")).to_contain_text("held until it ends")
    expect(console.spoken()).to_have_text("")
    script.release()
    console.wait_for_end()
    expect(console.answer).to_contain_text("Half of it.")


def add_sample_tool(console: Console) -> None:
    """Open the tools, wait for the editor, and insert a sample."""
    console.page.locator("#tools-fold > summary").click()
    expect(console.page.locator(".cm-content")).to_be_visible()
    console.page.locator("#tools-sample").select_option("stock")
    expect(console.page.locator(".cm-content")).to_contain_text("stock_lookup")


def new_token(console: Console) -> str:
    """Create a key in another tab."""
    page = console.page.context.new_page()
    page.goto("/developers/keys/new")
    page.get_by_label("Name").fill("code of the console")
    page.get_by_role("button", name="Create key").click()
    token = page.locator("#token").inner_text().strip()
    page.close()
    assert re.fullmatch(r"cai_api_[0-9A-Za-z]{38}", token)
    return token


def output_of(command: list[str], environment: dict[str, str], folder: Path) -> str:
    done = subprocess.run(
        command,
        env={**environment, "NO_PROXY": "localhost", "no_proxy": "localhost"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
