"""The usage of a stream: the upstream's counts, or estimates for missing or impossible ones."""

import json
from typing import Any

import pytest

from gateway.formats import FORMATS, NonStreamingReply
from gateway.reply.events import FrameEncoder, Usage
from tests.support.messages_stream import (
    END,
    ESTIMATE,
    HELLO,
    HELLO_TOKENS,
    REQUEST,
    START,
    ending,
    fragment,
    frame,
    new_stream,
    opened,
    see,
    start,
    text,
    tool,
)


def usage_of(first: dict[str, Any], *later: dict[str, Any]) -> Usage:
    stream = new_stream()
    deltas = [{"type": "message_delta", "delta": {}, "usage": report} for report in later]
    events = [start(**first), *HELLO, *deltas, *ending()]
    out = [event for raw in map(frame, events) for event in stream.feed(raw)]
    return out[-2].usage


@pytest.mark.parametrize(
    ("reports", "expected"),
    [
        ([{"input_tokens": 10}, {"output_tokens": 5}], (10, 5, 0, 0)),
        (
            [{"input_tokens": 0, "output_tokens": 0}, {"input_tokens": 10, "output_tokens": 5}],
            (10, 5, 0, 0),
        ),
        ([{"input_tokens": 10}, {"output_tokens": 5}, {"output_tokens": 3}], (10, 5, 0, 0)),
        ([{"input_tokens": 10}, {"input_tokens": 4, "output_tokens": 5}], (10, 5, 0, 0)),
        ([{"input_tokens": 10}, {"output_tokens": 5.0}], (10, 5, 0, 0)),
        ([{"input_tokens": 10}, {"output_tokens": 5}, {"output_tokens": -7}], (10, 5, 0, 0)),
        ([{"input_tokens": 10}, {"output_tokens": 5}, {"output_tokens": 2**60}], (10, 5, 0, 0)),
        (
            [{"input_tokens": 10, "cache_read_input_tokens": None}, {"output_tokens": 5}],
            (10, 5, 0, 0),
        ),
        (
            [
                {"input_tokens": 2, "cache_creation_input_tokens": 3, "cache_read_input_tokens": 5},
                {"input_tokens": 2, "output_tokens": 5},
            ],
            (2, 5, 3, 5),
        ),
        (
            [
                {"input_tokens": 10},
                {"input_tokens": 2, "cache_read_input_tokens": 8, "output_tokens": 5},
            ],
            (2, 5, 0, 8),
        ),
    ],
)
def test_usage_is_the_largest_that_was_reported(reports: Any, expected: tuple[int, ...]):
    usage = usage_of(*reports)
    assert not usage.is_estimated
    counts = (
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_creation_input_tokens,
        usage.cache_read_input_tokens,
    )
    assert counts == expected
    assert {type(count) for count in counts} == {int}


@pytest.mark.parametrize(
    ("reports", "counts"),
    [
        ([{"input_tokens": 10, "output_tokens": 1}], (10, HELLO_TOKENS)),
        ([{}, {"output_tokens": 5}], (ESTIMATE, 5)),
        ([{}, {}], (ESTIMATE, HELLO_TOKENS)),
        ([{"input_tokens": 10}, {"output_tokens": 0}], (10, HELLO_TOKENS)),
        ([{"input_tokens": 10}, {"output_tokens": "five"}], (10, HELLO_TOKENS)),
        ([{"input_tokens": 10}, {"output_tokens": True}], (10, HELLO_TOKENS)),
        ([{"input_tokens": 10}, {"output_tokens": -5}], (10, HELLO_TOKENS)),
        ([{"input_tokens": 10}, {"output_tokens": 2**31}], (10, HELLO_TOKENS)),
        ([{"input_tokens": 10}, {"output_tokens": 5.5}], (10, HELLO_TOKENS)),
        ([{"input_tokens": -10}, {"output_tokens": 5}], (ESTIMATE, 5)),
        ([{"input_tokens": 2**70}, {"output_tokens": 5}], (ESTIMATE, 5)),
    ],
)
def test_missing_or_impossible_usage_is_estimated(reports: Any, counts: tuple[int, int]):
    assert usage_of(*reports) == Usage(*counts, is_estimated=True)


def test_details_of_the_usage_pass_if_they_are_counts():
    report = {
        "output_tokens": 5,
        "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": None},
        "server_tool_use": None,
        "service_tier": "standard",
        "output_tokens_details": {"thinking_tokens": 2},
    }
    seen = see(START, *HELLO, *ending(**report))
    assert seen.usage is not None
    assert seen.usage["cache_creation"] == {"ephemeral_5m_input_tokens": 3}
    assert seen.usage["output_tokens_details"] == {"thinking_tokens": 2}
    assert seen.usage["server_tool_use"] is None


def test_members_of_the_usage_that_we_do_not_know_pass_and_cannot_pose_as_ours():
    report = {
        "output_tokens": 5,
        "service_tier": "standard",
        "inference_geo": None,
        "fallback_credit": {"tokens": [1]},
        "credits_consumed": 9,
        "credits_remaining": 9,
    }
    seen = see(start(**report), *HELLO, *ending(**report))
    assert seen.usage is not None
    assert seen.start_usage is not None
    for told in (seen.usage, seen.start_usage):
        assert (told["service_tier"], told["fallback_credit"]) == ("standard", {"tokens": [1]})
        assert told["inference_geo"] is None
        assert "credits_remaining" not in told
    assert seen.usage["credits_consumed"] == 7
    assert seen.start_usage["output_tokens"] == 5


def test_members_of_message_and_final_event_that_we_do_not_know_pass_in_place():
    edits = {"applied_edits": [{"type": "clear_thinking_20251015"}]}
    first = start(input_tokens=10)
    first["message"] |= {"input_transformations": [1], "container": None, "id": "theirs"}
    last, stopped = ending(output_tokens=5)
    last |= {"context_management": edits, "nothing": None}
    stream = new_stream()
    events = [
        event for sent in (first, *HELLO, last, stopped) for event in stream.feed(frame(sent))
    ]
    assert events[0].extras == {"input_transformations": [1], "container": None}
    assert events[-2].members == {"context_management": edits, "nothing": None}
    final = FrameEncoder(message_id="msg_1", model="m").final(
        events[-2], usage=events[-2].usage, credits_consumed=1
    )
    told = json.loads(final.split(b"data: ")[1])
    assert told["context_management"] == edits
    assert "context_management" not in told["delta"]


def test_a_plain_answer_passes_them_too():
    edits: dict[str, Any] = {"applied_edits": []}
    body: dict[str, Any] = {
        "content": [],
        "stop_reason": "end_turn",
        "context_management": edits,
        "x": None,
    }
    reply = FORMATS["messages"].decode_reply(json.dumps(body).encode(), request=REQUEST)
    assert reply.extras == {"context_management": edits, "x": None}

    whole = NonStreamingReply(FORMATS["messages"], request=REQUEST)
    whole.feed(json.dumps(body).encode())
    assert whole.close()[-2].members == {"context_management": edits, "x": None}


def test_the_start_carries_the_input_or_else_the_estimate():
    known = see(start(input_tokens=4, cache_read_input_tokens=3, output_tokens=1), *HELLO, *END)
    assert known.start_usage is not None
    assert (known.start_usage["input_tokens"], known.start_usage["cache_read_input_tokens"]) == (
        4,
        3,
    )
    for unknown in (see(start(input_tokens=0), *HELLO, *END), see(*HELLO, *END)):
        assert unknown.start_usage is not None
        assert unknown.start_usage["input_tokens"] == ESTIMATE


def test_delivered_tokens_are_estimated_from_delivered_bytes():
    stream = new_stream()
    stream.feed(frame(START) + frame(HELLO[0]))
    assert stream.delivered_tokens_estimate() == 0
    stream.feed(frame(text(0, "a")))
    assert stream.delivered_tokens_estimate() == 1
    stream.feed(frame(text(0, "bcd")))
    assert stream.delivered_tokens_estimate() == 1
    stream.feed(frame(text(0, "日本")))
    assert stream.delivered_tokens_estimate() == 3
    assert stream.usage_so_far() == Usage(10, 3, is_estimated=True)


def test_queued_content_is_not_delivered():
    stream = new_stream()
    stream.feed(frame(START) + frame(tool(0, "abcde")))
    assert stream.delivered_tokens_estimate() == 2
    stream.feed(frame(fragment(0, '{"a": ')))
    before = stream.delivered_tokens_estimate()
    assert before == 3
    stream.feed(frame(opened(1, "text", text="")) + frame(text(1, "waiting" * 9)))
    assert stream.delivered_tokens_estimate() == before


def test_without_a_reported_input_the_usage_so_far_has_the_estimate():
    stream = new_stream()
    stream.feed(frame(text(0, "a")))
    assert stream.usage_so_far() == Usage(ESTIMATE, 1, is_estimated=True)
