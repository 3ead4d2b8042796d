"""Chunks of a streamed chat completion become a message that keeps the grammar."""

import pytest

from gateway.errors import UpstreamFailed, UpstreamOverloaded, UpstreamReplyTooLarge
from gateway.formats.thought_seal import Thought, seal
from gateway.reply.events import BlockDelta, UpstreamErrorEvent, Usage
from tests.support.chat_stream import (
    CALL,
    CUT,
    DONE,
    END,
    ESTIMATE,
    ROLE,
    call,
    chunk,
    frame,
    new_stream,
    piece,
    see,
    text,
    usage,
)


def test_text_streams_as_it_comes():
    stream = new_stream()
    stream.feed(ROLE)
    stream.feed(text("Hé"))
    assert stream.feed(text("llo\u2028")) == [
        BlockDelta(0, {"type": "text_delta", "text": "llo\u2028"})
    ]
    seen = see(ROLE, text("Hé"), text("llo\u2028"), END)
    assert seen.blocks == [{"type": "text", "text": "Héllo\u2028"}]
    assert seen.ending == {"stop_reason": "end_turn", "stop_sequence": None}


def test_a_split_surrogate_pair_is_joined():
    texts = [text("a\ud83d"), text("\ude00\ud83d"), text("\ude01")]
    calls = [call(0, "f", '{"a": "\ud83d', "c_1"), call(0, None, '\ude02"}')]
    seen = see(ROLE, *texts, *calls, END)
    assert seen.blocks[0] == {"type": "text", "text": "a😀😁"}
    assert seen.blocks[1]["input"] == {"a": "😂"}


def test_the_start_comes_with_the_first_chunk_and_carries_the_estimate():
    stream = new_stream()
    assert len(stream.feed(b": processing\n\n")) == 0
    assert len(stream.feed(ROLE)) == 1
    start = see(ROLE, text("a"), END).start_usage
    assert start is not None
    assert start["input_tokens"] == ESTIMATE


def test_an_empty_first_chunk_opens_no_block_before_the_thinking():
    seen = see(
        ROLE,
        chunk({"reasoning_content": "h", "content": ""}),
        chunk({"reasoning_content": "m", "content": None}),
        chunk({"reasoning_content": "", "content": "a"}),
        text("b"),
        END,
    )
    assert seen.blocks == [
        {
            "type": "thinking",
            "thinking": "hm",
            "signature": seal(Thought(0, "reasoning_content")),
        },
        {"type": "text", "text": "ab"},
    ]


def test_a_chunk_with_thinking_text_and_a_call_gives_all_three():
    whole = {
        "reasoning": "hm",
        "content": "a",
        "tool_calls": [piece(0, "clock", '{"b": 1}', "x")],
    }
    seen = see(chunk(whole, "tool_calls"), usage(), DONE)
    assert seen.kinds() == ["thinking", "text", "tool_use"]
    assert seen.calls() == [("clock", {"b": 1})]


def test_thinking_between_texts_gets_its_own_block():
    seen = see(text("a"), chunk({"reasoning": "b"}), text("c"), END)
    assert seen.kinds() == ["text", "thinking", "text"]


def test_nothing_at_all_is_one_empty_text():
    assert see(ROLE, chunk({}, "length"), END).blocks == [{"type": "text", "text": ""}]
    assert see(ROLE, DONE).blocks == [{"type": "text", "text": ""}]


def test_output_that_was_counted_and_not_sent_is_a_fault():
    seen = see(ROLE, END)
    assert seen.error is not None
    assert seen.error["details"]["error_code"] == "upstream_empty"


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([text("a"), chunk({}, "stop")], "end_turn"),
        ([text("a"), chunk({}, "length")], "max_tokens"),
        ([text("a"), chunk({}, "content_filter")], "refusal"),
        ([text("a"), chunk({}, "some_new_word")], "end_turn"),
        ([text("a"), chunk({}, "model_length")], "max_tokens"),
        ([text("a"), chunk({}, "length"), chunk({}, "stop")], "max_tokens"),
        ([text("a"), chunk({}, "stop"), chunk({}, "length")], "max_tokens"),
        ([CUT, chunk({}, "tool_calls"), chunk({}, "max_tokens")], "max_tokens"),
        ([text("a"), chunk({}, "tool_calls")], "end_turn"),
        ([CALL, chunk({}, "tool_calls")], "tool_use"),
        ([CALL, chunk({}, "stop")], "tool_use"),
        ([CALL, chunk({}, "tool_calls"), chunk({}, "stop")], "tool_use"),
        ([CALL, chunk({}, "stop"), chunk({}, "tool_calls")], "tool_use"),
        ([CALL, chunk({}, "length")], "max_tokens"),
        ([CUT, chunk({}, "length")], "max_tokens"),
        ([CUT, chunk({}, "tool_calls"), chunk({}, "length")], "max_tokens"),
        ([chunk({"refusal": "no"}), chunk({}, "stop")], "refusal"),
    ],
)
def test_finish_reason_becomes_stop_reason(chunks: list[bytes], expected: str):
    seen = see(*chunks, usage(), DONE)
    assert seen.ending == {"stop_reason": expected, "stop_sequence": None}


@pytest.mark.parametrize(
    "chunks",
    [
        [text("one"), chunk({}, "stop", stop_reason="END")],
        [text("one"), chunk({}, "stop", stopping_word="END")],
        [text("one"), chunk({}, "stop", matched_stop="END")],
        [text("one E"), text("N"), text("D"), chunk({}, "stop")],
    ],
)
def test_the_stop_sequence_that_matched(chunks: list[bytes]):
    seen = see(*chunks, usage(), DONE, stop_sequences=["THE", "END"])
    assert seen.ending == {"stop_reason": "stop_sequence", "stop_sequence": "END"}


def test_a_refusal_is_text():
    assert (
        see(chunk({"refusal": "I "}), chunk({"refusal": "won't"}), END).joined("text") == "I won't"
    )


def final_usage(*chunks: bytes) -> Usage:
    stream = new_stream()
    out = [event for raw in chunks for event in stream.feed(raw)] + stream.close()
    return out[-2].usage


def test_usage_comes_after_the_finish_reason():
    assert final_usage(text("a"), chunk({}, "stop"), usage(10, 5), DONE) == Usage(10, 5)
    assert final_usage(text("a"), chunk({}, "stop"), usage(10, 5)) == Usage(10, 5)


def test_usage_in_every_chunk_is_not_added_up():
    running = frame(
        {
            "choices": [{"delta": {"content": "a"}}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 1},
        }
    )
    assert final_usage(running, running, chunk({}, "stop"), usage(10, 2), DONE) == Usage(10, 2)


def test_cached_tokens_are_no_part_of_the_input():
    cached = usage(10, 5, prompt_tokens_details={"cached_tokens": 4})
    assert final_usage(text("a"), chunk({}, "stop"), usage(10, 1), cached, DONE) == Usage(
        6, 5, 0, 4
    )


def test_usage_that_is_not_reported_is_estimated():
    texts = text("a"), chunk({}, "stop")
    assert final_usage(*texts, DONE) == Usage(ESTIMATE, 1, is_estimated=True)
    assert final_usage(*texts, usage(10, 0), DONE) == Usage(10, 1, is_estimated=True)
    assert final_usage(*texts, usage(0, 5), DONE) == Usage(ESTIMATE, 5, is_estimated=True)


def test_delivered_tokens_are_estimated_without_usage():
    stream = new_stream()
    stream.feed(ROLE)
    assert stream.delivered_tokens_estimate() == 0
    stream.feed(text("12345"))
    assert stream.delivered_tokens_estimate() == 2
    assert stream.usage_so_far() == Usage(ESTIMATE, 2, is_estimated=True)
    stream.feed(usage(10, 1))
    assert stream.usage_so_far() == Usage(10, 2, is_estimated=True)


def failure_of(*chunks: bytes) -> UpstreamErrorEvent:
    stream = new_stream()
    events = [event for raw in chunks for event in stream.feed(raw)] + stream.close()
    assert isinstance(events[-1], UpstreamErrorEvent)
    assert stream.feed(text("more")) == []
    assert stream.close() == []
    return events[-1]


@pytest.mark.parametrize(
    "chunks",
    [
        [],
        [b"<html>busy</html>"],
        [DONE],
        [ROLE],
        [ROLE, text("a")],
        [ROLE, text("a"), b"data: {"],
        [ROLE, text("a"), b"data: <html>\n\n"],
        [ROLE, text("a"), b'data: {"choices": [{"delta": {"content": "\xc3"}}]}\n\n'],
        [ROLE, text("a"), chunk({}, "error"), DONE],
        [ROLE, text("a"), chunk({}, "abort"), DONE],
        [ROLE, text("a"), frame({"error": {"message": "boom"}}), END],
        [ROLE, text("a"), frame({"error": "boom"}), END],
        [ROLE, text("a"), b"event: error\n" + frame({"message": "boom"}), END],
    ],
    ids=range(13),
)
def test_a_stream_that_breaks_is_an_error(chunks: list[bytes]):
    assert isinstance(failure_of(*chunks).error, UpstreamFailed)


def test_an_event_above_the_limit_is_a_final_error():
    error = failure_of(ROLE, text("a"), b"data: " + b"x" * (17 * 1024 * 1024)).error

    assert isinstance(error, UpstreamReplyTooLarge)


def test_an_error_in_the_stream_has_its_meaning():
    error = {"code": 429, "message": "rate limit of key sk-abcdefgh"}
    failed = failure_of(ROLE, text("a"), frame({"error": error})).error
    assert isinstance(failed, UpstreamOverloaded)
    assert "sk-" not in failed.message


def test_an_error_as_the_first_chunk_is_the_only_event():
    events = new_stream().feed(frame({"error": {"code": 503}}))
    assert len(events) == 1
    assert isinstance(events[0], UpstreamErrorEvent)


def test_a_cut_call_is_not_closed_when_the_stream_breaks():
    seen = see(ROLE, CUT, text("waiting"))
    assert seen.error is not None
    assert seen.is_open
    assert seen.kinds() == ["tool_use"]
    assert seen.blocks[0]["json"] == '{"x": '


def test_text_is_closed_before_the_error():
    events = new_stream().feed(ROLE + text("a") + frame({"error": {}}))
    assert [type(event).__name__ for event in events] == [
        "MessageStart",
        "BlockStart",
        "BlockDelta",
        "BlockStop",
        "UpstreamErrorEvent",
    ]
