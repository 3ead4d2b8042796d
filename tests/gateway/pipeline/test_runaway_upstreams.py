"""An upstream that ignores `max_tokens` is cut; an honest answer never is."""

import json
from collections.abc import Callable

import pytest

from gateway.formats import FORMATS, Stream
from gateway.reply.events import BlockStop, MessageDelta
from gateway.request import parse
from tests.support.callers import Answer, request_body
from tests.support.customers import Customer
from tests.support.replies import chunk, chunks, data_event, event, events, silence, streams
from tests.support.scripted_upstream import ScriptedUpstream
from usage.models import Ending

MAX_TOKENS = 50
LIMIT_BYTES = 16 * MAX_TOKENS + 4096
PIECE = "x" * 100
both_formats = pytest.mark.parametrize("wire", ["messages", "chat_completions"])

PROSE = "The quick brown fox jumps over the lazy dog, and nobody is surprised any more. " * 40
CODE = "\n".join(" " * (4 * (depth % 9)) + f"return value[{depth}]" for depth in range(200))
CHINESE = "敏捷的棕色狐狸跳过了懒狗\uff0c再也没有人感到惊讶。" * 60


def stream_of(wire: str) -> Stream:
    body = {"model": "m", "max_tokens": MAX_TOKENS, "messages": [{"role": "user", "content": "x"}]}
    request = parse.messages_request(json.dumps(body).encode())
    return FORMATS[wire].open_stream(request=request)


def beginning(wire: str) -> bytes:
    return b"".join(events("")[:2]) if wire == "messages" else chunks("")[0]


def text(wire: str, words: str) -> bytes:
    if wire == "chat_completions":
        return chunk({"content": words})
    delta = {"type": "text_delta", "text": words}
    return event("content_block_delta", index=0, delta=delta)


def tool_input(wire: str, fragment: str) -> bytes:
    if wire == "chat_completions":
        function = {"name": "get_weather", "arguments": fragment}
        return chunk({"tool_calls": [{"index": 0, "id": "call_1", "function": function}]})
    block = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {}}
    delta = {"type": "input_json_delta", "partial_json": fragment}
    return event("content_block_start", index=1, content_block=block) + event(
        "content_block_delta", index=1, delta=delta
    )


def running_count(wire: str, tokens: int) -> bytes:
    if wire == "chat_completions":
        usage = {"prompt_tokens": 14, "completion_tokens": tokens}
        return data_event({"choices": [], "usage": usage})
    return event("message_delta", delta={}, usage={"output_tokens": tokens})


def finish(wire: str) -> bytes:
    if wire == "chat_completions":
        return chunk({}, finish_reason="stop")
    return event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 9999})


@both_formats
def test_more_bytes_than_max_tokens_can_have_are_evidence(wire: str) -> None:
    stream = stream_of(wire)
    stream.feed(beginning(wire) + text(wire, "x" * LIMIT_BYTES))
    assert not stream.runs_away(max_tokens=MAX_TOKENS)

    stream.feed(text(wire, "x"))

    assert stream.runs_away(max_tokens=MAX_TOKENS)


@both_formats
def test_bytes_of_a_tool_call_that_is_not_sent_on_yet_count_too(wire: str) -> None:
    stream = stream_of(wire)
    stream.feed(beginning(wire) + tool_input(wire, '{"city": "' + "x" * LIMIT_BYTES))

    assert stream.runs_away(max_tokens=MAX_TOKENS)


@both_formats
def test_the_upstreams_own_running_count_is_evidence(wire: str) -> None:
    stream = stream_of(wire)
    stream.feed(beginning(wire) + text(wire, "Hi") + running_count(wire, MAX_TOKENS))
    assert not stream.runs_away(max_tokens=MAX_TOKENS)

    stream.feed(running_count(wire, MAX_TOKENS + 1))

    assert stream.runs_away(max_tokens=MAX_TOKENS)


@both_formats
def test_nothing_is_evidence_once_the_upstream_has_given_a_stop_reason(wire: str) -> None:
    stream = stream_of(wire)

    stream.feed(beginning(wire) + text(wire, "x" * 2 * LIMIT_BYTES) + finish(wire))

    assert not stream.runs_away(max_tokens=MAX_TOKENS)


@both_formats
def test_many_small_deltas_are_no_evidence(wire: str) -> None:
    stream = stream_of(wire)

    stream.feed(beginning(wire) + text(wire, "x") * 10 * MAX_TOKENS)

    assert not stream.runs_away(max_tokens=MAX_TOKENS)


@both_formats
def test_a_cut_closes_an_open_tool_call_and_never_reports_it(wire: str) -> None:
    stream = stream_of(wire)
    stream.feed(beginning(wire) + tool_input(wire, '{"city": "Lis'))

    cut = stream.cut()

    [end] = [one for one in cut if isinstance(one, MessageDelta)]
    assert any(isinstance(one, BlockStop) for one in cut)
    assert end.stop_reason == "max_tokens"


@pytest.mark.parametrize(
    ("model", "wire"),
    [("scripted/messages", "messages"), ("scripted/chat", "chat_completions")],
    ids=["messages", "chat"],
)
def test_a_runaway_answer_ends_with_max_tokens_and_its_upstream_is_stopped(
    customer: Customer, upstream: ScriptedUpstream, model: str, wire: str
) -> None:
    pieces = [text(wire, PIECE)] * 200
    script = upstream.script(streams(beginning(wire), *pieces, silence))

    answer = customer.stream(script.prompt, model=model, max_tokens=MAX_TOKENS)

    script.wait_for_hang_up()
    assert stop_reason(answer) == "max_tokens"
    record = customer.wait_for_record()
    assert (record.ending, record.stop_reason) == (Ending.COMPLETED, "max_tokens")
    assert record.output_tokens == MAX_TOKENS
    assert record.is_usage_estimated
    assert customer.charges() == [record.input_tokens + 2 * MAX_TOKENS]


@pytest.mark.parametrize("words", [PROSE, CODE, CHINESE], ids=["prose", "code", "Chinese"])
@pytest.mark.parametrize("model", ["scripted/messages", "scripted/chat"], ids=["messages", "chat"])
def test_a_full_honest_answer_is_not_cut(
    customer: Customer,
    upstream: ScriptedUpstream,
    embedded_model: str,
    model: str,
    words: str,
) -> None:
    max_tokens = tokens_of(customer, embedded_model, words)
    of_format: Callable[..., list[bytes]] = chunks if model == "scripted/chat" else events
    script = upstream.script(streams(*of_format(words)))

    answer = customer.stream(script.prompt, model=model, max_tokens=max_tokens)

    assert answer.transcript.text == words
    assert stop_reason(answer) == "end_turn"


def stop_reason(answer: Answer) -> str:
    assert answer.transcript.delta is not None
    reason: str = answer.transcript.delta["delta"]["stop_reason"]
    return reason


def tokens_of(customer: Customer, model: str, words: str) -> int:
    """Return the tokens of a text by a real model's tokenizer, without those of the template."""
    short, full = (
        customer.caller.post(
            "/v1/messages/count_tokens", request_body(content, model=model, max_tokens=None)
        ).json()["input_tokens"]
        for content in ("x", words)
    )
    return int(full - short)
