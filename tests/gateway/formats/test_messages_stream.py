"""A Messages upstream's bytes are decoded into events; a broken stream ends in an error."""

import json

import pytest

from gateway.errors import (
    UpstreamFailed,
    UpstreamOverloaded,
    UpstreamRefused,
    UpstreamReplyTooLarge,
)
from gateway.reply.events import UpstreamErrorEvent
from tests.support.messages_stream import (
    END,
    HELLO,
    START,
    delta,
    fragment,
    frame,
    new_stream,
    opened,
    see,
    stop,
    text,
    tool,
)
from tests.support.stream_grammar import run


def test_types_may_stand_in_the_data_or_in_the_event_line_alone():
    events = [START, *HELLO, *END]
    unnamed = [b"data: " + json.dumps(event).encode() + b"\n\n" for event in events]
    assert run(new_stream(), *unnamed, b"data: [DONE]\n\n").joined("text") == "Hello"
    untyped = [
        frame(event).replace(f'"type": "{event["type"]}", '.encode(), b"") for event in events
    ]
    assert untyped != [frame(event) for event in events]
    assert run(new_stream(), *untyped).joined("text") == "Hello"


def test_a_split_surrogate_pair_is_joined():
    events = [
        *(START, opened(0, "thinking"), delta(0, "thinking_delta", "so\ud83d")),
        *(opened(1, "text"), text(1, "a\ud83d"), {"type": "ping"}),
        *(delta(0, "thinking_delta", "\ude00!"), text(1, "\ude01\ud83d"), text(1, "\ude02")),
        *(stop(0), stop(1), tool(2), fragment(2, '{"a": "\ud83d'), fragment(2, '\ude03"}')),
    ]
    seen = see(*events, stop(2), *END)
    assert seen.joined("thinking") == "so😀!"
    assert seen.joined("text") == "a😁😂"
    assert seen.blocks[-1]["input"] == {"a": "😃"}


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (["a\ud83d"], "a"),
        (["a\ud83d", "b"], "ab"),
        (["a\ud83d", "b\ude00"], "ab?"),
        (["\ude00b"], "?b"),
        (["\ude00\ud83d", "\ud83d\ude00"], "?😀"),
        (["a\ud83db"], "a?b"),
    ],
)
def test_a_lone_surrogate_leaves_the_rest_intact(pieces: list[str], expected: str):
    texts = [text(0, piece) for piece in pieces]
    assert see(START, HELLO[0], *texts, stop(0), *END).joined("text") == expected


def failure_of(*raw: bytes) -> UpstreamErrorEvent:
    stream = new_stream()
    events = [event for chunk in raw for event in stream.feed(chunk)] + stream.close()
    assert isinstance(events[-1], UpstreamErrorEvent)
    assert stream.feed(frame(START)) == []
    assert stream.close() == []
    return events[-1]


WHOLE = b"".join(map(frame, [START, *HELLO, *END]))


# After the stop reason, only `message_stop` is missing: the answer is complete.
COMPLETE = len(WHOLE) - len(frame(END[-1]))


@pytest.mark.parametrize("at", range(0, COMPLETE - 2, 7))
def test_a_connection_that_ends_too_early_is_an_error(at: int):
    assert isinstance(failure_of(WHOLE[:at]).error, UpstreamFailed)


def test_a_connection_that_ends_after_the_stop_reason_is_a_complete_answer():
    seen = run(new_stream(), WHOLE[:COMPLETE])
    assert seen.joined("text") == "Hello"
    assert seen.ending == {"stop_reason": "end_turn", "stop_sequence": None}


def test_a_proper_end_needs_no_last_empty_line():
    assert run(new_stream(), WHOLE.rstrip()).joined("text") == "Hello"


@pytest.mark.parametrize(
    "junk",
    [
        b"data: {\n\n",
        b"data: <html>busy</html>\n\n",
        b'data: ["a"]\n\n',
        b"data: null\n\n",
        b'data: {"type": "content_block_delta", "delta": {"text": "\xc3"}}\n\n',
        b"data: " + b"[" * 100_000 + b"\n\n",
        b'data: {"a": NaN}\n\n',
    ],
    ids=["cut", "html", "array", "null", "cut character", "deep", "nan"],
)
def test_an_invalid_event_is_an_error(junk: bytes):
    assert isinstance(failure_of(frame(START), junk).error, UpstreamFailed)


def test_an_event_above_the_limit_is_a_final_error():
    error = failure_of(frame(START), b"data: " + b"x" * (17 * 1024 * 1024)).error

    assert isinstance(error, UpstreamReplyTooLarge)


def test_a_long_event_within_the_limit_passes():
    long = "x" * (10 * 1024 * 1024)
    seen = see(START, HELLO[0], text(0, long), stop(0), *END)
    assert seen.joined("text") == long


def test_an_upstreams_error_ends_the_stream_with_our_message():
    error = {"type": "overloaded_error", "message": "node 10.0.0.7 is busy"}
    seen = see(START, HELLO[0], text(0, "Hel"), {"type": "error", "error": error}, *END)
    assert seen.joined("text") == "Hel"
    assert not seen.is_open
    assert seen.error == {
        "type": "overloaded_error",
        "message": UpstreamOverloaded().message,
        "details": {"error_code": "upstream_overloaded"},
    }


def test_an_error_as_the_first_event_is_the_only_event():
    error = {"type": "invalid_request_error", "message": "prompt is too long: 9 tokens > 8 maximum"}
    stream = new_stream()
    events = stream.feed(frame({"type": "error", "error": error}))
    assert len(events) == 1
    assert isinstance(events[0], UpstreamErrorEvent)
    assert isinstance(events[0].error, UpstreamRefused)
    assert events[0].message == "prompt is too long: 9 tokens > 8 maximum"
    assert events[0].type == "invalid_request_error"


def test_a_cut_call_is_not_closed_when_the_stream_breaks():
    """A client that sees it closed may run it."""
    seen = see(START, tool(0), fragment(0, '{"path": "/tmp'), {"type": "error", "error": {}})
    assert seen.error is not None
    assert seen.is_open
    assert seen.blocks[0]["json"] == '{"path": "/tmp'
