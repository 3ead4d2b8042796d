"""Streams of Messages-shaped upstreams come out in order, whatever order they came in."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UpstreamFailed, UpstreamOverloaded, UpstreamRefused
from gateway.formats import FORMATS, Stream
from gateway.reply import token_usage
from gateway.reply.events import BlockDelta, MessageStart, UpstreamErrorEvent, Usage
from gateway.request import parse
from tests.support.stream_grammar import Seen, run

REQUEST = parse.parse(
    b'{"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}'
)
ESTIMATE = token_usage.tokens_of(REQUEST.text_bytes)


def new_stream() -> Stream:
    return FORMATS["messages"].open_stream(request=REQUEST)


def frame(event: dict[str, Any], *, end: str = "\n") -> bytes:
    return f"event: {event['type']}{end}data: {json.dumps(event)}{end}{end}".encode()


def start(**usage: Any) -> dict[str, Any]:
    return {"type": "message_start", "message": {"id": "upstream", "usage": usage}}


def opened(index: Any, kind: str, **rest: Any) -> dict[str, Any]:
    block = {"type": kind} | rest
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: Any, kind: str, value: Any) -> dict[str, Any]:
    name = {"input_json_delta": "partial_json"}.get(kind, kind.removesuffix("_delta"))
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, name: value}}


def text(index: Any, value: str) -> dict[str, Any]:
    return delta(index, "text_delta", value)


def stop(index: Any) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def ending(reason: Any = "end_turn", sequence: Any = None, **usage: Any) -> list[dict[str, Any]]:
    end = {"stop_reason": reason, "stop_sequence": sequence}
    return [{"type": "message_delta", "delta": end, "usage": usage}, {"type": "message_stop"}]


START = start(input_tokens=10, output_tokens=1)
END = ending(output_tokens=5)
HELLO = [opened(0, "text", text=""), text(0, "Hello"), stop(0)]
SAID = 2  # tokens of "Hello", by our own count


def tool(index: int, name: str = "clock", call_id: str = "call_1") -> dict[str, Any]:
    return opened(index, "tool_use", id=call_id, name=name, input={})


def fragment(index: int, value: str) -> dict[str, Any]:
    return delta(index, "input_json_delta", value)


def see(*events: dict[str, Any]) -> Seen:
    return run(new_stream(), *map(frame, events))


def test_an_orderly_stream_passes_as_it_is():
    seen = see(
        START,
        {"type": "ping"},
        opened(0, "thinking", thinking="", signature=""),
        delta(0, "thinking_delta", "hm"),
        delta(0, "signature_delta", "c2ln"),
        stop(0),
        opened(1, "text", text=""),
        text(1, "Hé\u2028llo "),
        text(1, '"\\ \n'),
        stop(1),
        tool(2),
        fragment(2, ""),
        fragment(2, '{"zone": '),
        fragment(2, '"UTC"}'),
        stop(2),
        *ending("tool_use", output_tokens=9),
    )
    assert seen.blocks[0] == {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
    assert seen.blocks[1] == {"type": "text", "text": 'Hé\u2028llo "\\ \n'}
    assert seen.blocks[2]["id"] == "call_1"
    assert seen.calls() == [("clock", {"zone": "UTC"})]
    assert seen.ending == {"stop_reason": "tool_use", "stop_sequence": None}
    assert seen.error is None


def test_each_delta_is_passed_on_at_once():
    stream = new_stream()
    stream.feed(frame(START) + frame(HELLO[0]))
    assert stream.feed(frame(text(0, "a"))) == [BlockDelta(0, {"type": "text_delta", "text": "a"})]
    assert stream.feed(frame({"type": "ping"})) != []


def test_gaps_between_indexes_are_closed():
    events = [
        opened(3, "text", text=""),
        text(3, "a"),
        stop(3),
        tool(7),
        fragment(7, "{}"),
        stop(7),
    ]
    assert see(START, *events, *END).kinds() == ["text", "tool_use"]


def test_one_index_for_all_blocks_is_taken_apart():
    seen = see(
        START,
        opened(0, "thinking", thinking=""),
        delta(0, "thinking_delta", "hm"),
        opened(0, "text", text=""),
        text(0, "a"),
        tool(0),
        fragment(0, "{}"),
        stop(0),
        *END,
    )
    assert seen.kinds() == ["thinking", "text", "tool_use"]
    assert (seen.joined("thinking"), seen.joined("text")) == ("hm", "a")


def test_blocks_that_overlap_are_put_one_after_the_other():
    """As llama.cpp streams: text opens while thinking is open, all stops come at the end."""
    seen = see(
        START,
        opened(0, "thinking", thinking=""),
        delta(0, "thinking_delta", "hm"),
        opened(1, "text", text=""),
        text(1, "Hel"),
        delta(0, "signature_delta", ""),
        text(1, "lo"),
        stop(0),
        stop(1),
        *END,
    )
    assert seen.kinds() == ["thinking", "text"]
    assert seen.joined("text") == "Hello"


def test_text_is_not_kept_back_for_a_thinking_block_that_nobody_closed():
    stream = new_stream()
    stream.feed(frame(START) + frame(opened(0, "thinking", thinking="")))
    events = stream.feed(frame(opened(1, "text", text="")) + frame(text(1, "now")))
    assert events[-1] == BlockDelta(1, {"type": "text_delta", "text": "now"})


def test_thinking_that_goes_on_after_text_gets_a_block_of_its_own():
    seen = see(
        START,
        opened(0, "thinking", thinking=""),
        delta(0, "thinking_delta", "a"),
        opened(1, "text", text=""),
        text(1, "b"),
        delta(0, "thinking_delta", "c"),
        text(1, "d"),
        *END,
    )
    assert seen.kinds() == ["thinking", "text", "thinking", "text"]
    assert (seen.joined("thinking"), seen.joined("text")) == ("ac", "bd")


def test_calls_whose_fragments_alternate_are_both_whole():
    seen = see(
        START,
        tool(0, "first"),
        tool(1, "second", "call_2"),
        fragment(1, '{"b"'),
        fragment(0, '{"a": "}{'),
        fragment(1, ": 2}"),
        fragment(0, '\\""}'),
        stop(1),
        stop(0),
        *END,
    )
    assert seen.calls() == [("first", {"a": '}{"'}), ("second", {"b": 2})]


def test_text_in_the_middle_of_a_call_waits_for_its_end():
    seen = see(
        START,
        tool(0),
        fragment(0, '{"a":'),
        opened(1, "text", text=""),
        text(1, "meanwhile"),
        fragment(0, "1}"),
        *END,
    )
    assert seen.kinds() == ["tool_use", "text"]
    assert seen.calls() == [("clock", {"a": 1})]
    assert seen.joined("text") == "meanwhile"


def test_a_delta_of_another_kind_than_its_block_opens_the_right_one():
    seen = see(
        START, opened(0, "text", text=""), delta(0, "thinking_delta", "hm"), text(0, "a"), *END
    )
    assert (seen.joined("thinking"), seen.joined("text")) == ("hm", "a")


def test_deltas_without_any_start_or_stop_still_arrive():
    seen = see(text(0, "a"), text(0, "b"), *END)
    assert seen.blocks == [{"type": "text", "text": "ab"}]
    assert seen.start_usage is not None


def test_text_after_its_stop_is_not_lost():
    assert see(START, *HELLO, text(0, " again"), *END).joined("text") == "Hello again"


def test_content_in_a_start_event_becomes_a_delta():
    seen = see(
        START,
        opened(0, "thinking", thinking="hm", signature="c2ln"),
        stop(0),
        opened(1, "text", text="whole"),
        stop(1),
        opened(2, "tool_use", id="a", name="clock", input={"zone": "UTC"}),
        stop(2),
        *END,
    )
    assert seen.blocks[0] == {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
    assert seen.joined("text") == "whole"
    assert seen.calls() == [("clock", {"zone": "UTC"})]


def test_the_input_of_a_start_event_yields_to_fragments():
    events = [
        opened(0, "tool_use", id="a", name="clock", input={"old": 1}),
        fragment(0, '{"new": 2}'),
    ]
    assert see(START, *events, *END).calls() == [("clock", {"new": 2})]


@pytest.mark.parametrize(
    ("fragments", "expected"),
    [
        ([], {}),
        (["", " "], {}),
        (["null"], {}),
        (["nonsense"], {}),
        (["[1, 2]"], {}),
        (['"{\\"a\\"', ': 1}"'], {"a": 1}),
        (['  \n{"a"', ": 1}"], {"a": 1}),
        (['{"a": 1}', '{"a": 1}'], {"a": 1}),
        (['{"a": 1}}', "}"], {"a": 1}),
        (['{"a": "\\', '"}', '"}'], {"a": '"}'}),
        (['{"a": "\\\\', '"}'], {"a": "\\"}),
        (['{"a": [{"b": "]"}]', "}\n"], {"a": [{"b": "]"}]}),
    ],
)
def test_the_input_of_a_call_is_always_an_object(fragments: list[str], expected: Any):
    pieces = [fragment(0, piece) for piece in fragments]
    assert see(START, tool(0), *pieces, stop(0), *END).calls() == [("clock", expected)]


def test_missing_and_repeated_call_ids_are_replaced():
    nameless = opened(1, "tool_use", name="clock", input=None)
    seen = see(START, tool(0), stop(0), nameless, stop(1), tool(2), stop(2), *END)
    ids = [block["id"] for block in seen.blocks]
    assert ids[0] == "call_1"
    assert len(set(ids)) == 3
    assert all(call_id.startswith("toolu_") for call_id in ids[1:])


def test_blocks_and_events_nobody_knows_are_dropped():
    seen = see(
        START,
        {"type": "credits", "left": 1},
        opened(0, "hologram", data="x"),
        delta(0, "hologram_delta", "x"),
        text(0, "inside"),
        stop(0),
        opened(1, "tool_use", id="a"),
        stop(1),
        opened(2, "text", text=None, citations=None),
        delta(2, "shine_delta", "x"),
        text(2, "kept"),
        text(2, ""),
        {"type": "content_block_delta", "index": 2},
        {"type": "content_block_delta", "index": 2, "delta": {"type": "text_delta", "text": 5}},
        fragment(9, "{}"),
        stop(9),
        *END,
    )
    assert seen.blocks == [{"type": "text", "text": "kept"}]


def test_blocks_of_tools_that_the_upstream_runs_pass_whole():
    result = {"tool_use_id": "s", "content": [{"url": "u"}]}
    seen = see(
        START,
        opened(0, "redacted_thinking", data="abc"),
        stop(0),
        opened(1, "server_tool_use", id="s", name="web_search", input={}, caller=None),
        fragment(1, '{"query": "x"}'),
        stop(1),
        opened(2, "web_search_tool_result", **result),
        stop(2),
        *END,
    )
    assert seen.blocks[0] == {"type": "redacted_thinking", "data": "abc"}
    assert seen.blocks[1]["input"] == {"query": "x"}
    assert "caller" not in seen.blocks[1]
    assert seen.blocks[2] == {"type": "web_search_tool_result"} | result
    assert seen.ending is not None
    assert seen.ending["stop_reason"] == "end_turn"


def test_citations_stay_with_their_text():
    citation = {"type": "char_location", "cited_text": "x"}
    seen = see(
        START, opened(0, "text", text=""), text(0, "a"), delta(0, "citations_delta", 0), *END
    )
    assert "citations" not in seen.blocks[0]
    event = {"type": "citations_delta", "citation": citation}
    cited = {"type": "content_block_delta", "index": 0, "delta": event}
    seen = see(START, opened(0, "text", text=""), text(0, "a"), cited, *END)
    assert seen.blocks[0]["citations"] == [citation]


def summary_event(**members: Any) -> dict[str, Any]:
    delta = {"type": "compaction_delta"} | members
    return {"type": "content_block_delta", "index": 0, "delta": delta}


def test_the_summary_of_a_compacted_conversation_is_passed_on():
    summary = {"content": "They said hello.", "encrypted_content": "opaque"}
    opening = opened(0, "compaction", content=None)
    seen = see(START, opening, summary_event(**summary), stop(0), *END)
    assert seen.blocks == [{"type": "compaction"} | summary]
    assert see(START, opening, summary_event(**summary), *ending()).usage == {
        "input_tokens": 10,
        "output_tokens": 4,  # an upstream that counts nothing is counted by what it wrote
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "credits_consumed": 7,
    }


def test_a_conversation_that_could_not_be_compacted_is_told_so():
    seen = see(START, opened(0, "compaction"), summary_event(content=None), stop(0), *END)
    assert seen.blocks == [{"type": "compaction", "content": None}]
    seen = see(START, opened(0, "compaction"), summary_event(content=5), stop(0), *END)
    assert seen.blocks == [{"type": "compaction"}]


def test_nothing_at_all_is_one_empty_text_block():
    seen = see(START, *ending(output_tokens=0))
    assert seen.blocks == [{"type": "text", "text": ""}]
    assert seen.ending == {"stop_reason": "end_turn", "stop_sequence": None}


def test_a_second_start_and_what_follows_the_end_are_ignored():
    seen = see(START, START, *HELLO, *END, *HELLO, START, *END)
    assert seen.joined("text") == "Hello"
    assert seen.ending is not None


def test_pings_before_the_start_are_dropped():
    assert see({"type": "ping"}, START, *HELLO, *END).joined("text") == "Hello"


def test_types_may_stand_in_the_data_or_in_the_event_line_alone():
    events = [START, *HELLO, *END]
    unnamed = [b"data: " + json.dumps(event).encode() + b"\n\n" for event in events]
    assert run(new_stream(), *unnamed, b"data: [DONE]\n\n").joined("text") == "Hello"
    untyped = [
        frame(event).replace(f'"type": "{event["type"]}", '.encode(), b"") for event in events
    ]
    assert untyped != [frame(event) for event in events]
    assert run(new_stream(), *untyped).joined("text") == "Hello"


def test_a_character_that_was_cut_in_two_is_made_whole():
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
def test_half_a_character_alone_harms_nothing_else(pieces: list[str], expected: str):
    said = [text(0, piece) for piece in pieces]
    assert see(START, HELLO[0], *said, stop(0), *END).joined("text") == expected


# --- why it ended ---------------------------------------------------------------------------

WHOLE_CALL = [tool(0), fragment(0, "{}"), stop(0)]
CUT_CALL = [tool(0), fragment(0, '{"a": '), stop(0)]


@pytest.mark.parametrize(
    ("events", "reason", "sequence", "expected"),
    [
        (HELLO, "end_turn", None, ("end_turn", None)),
        (HELLO, "end_turn", "END", ("stop_sequence", "END")),
        (HELLO, "stop_sequence", "END", ("stop_sequence", "END")),
        (HELLO, "max_tokens", "END", ("max_tokens", None)),
        (HELLO, None, None, ("end_turn", None)),
        (HELLO, 5, 5, ("end_turn", None)),
        (HELLO, "Not a word", None, ("end_turn", None)),
        (HELLO, "stop", None, ("end_turn", None)),
        (HELLO, "length", None, ("max_tokens", None)),
        (HELLO, "content_filter", None, ("refusal", None)),
        (HELLO, "tool_use", None, ("end_turn", None)),
        (HELLO, "pause_turn", None, ("pause_turn", None)),
        (HELLO, "refusal", None, ("refusal", None)),
        (HELLO, "model_context_window_exceeded", None, ("model_context_window_exceeded", None)),
        (HELLO, "a_new_reason", None, ("a_new_reason", None)),
        (WHOLE_CALL, "tool_use", None, ("tool_use", None)),
        (WHOLE_CALL, "end_turn", None, ("tool_use", None)),
        (WHOLE_CALL, "end_turn", "END", ("tool_use", None)),
        (WHOLE_CALL, None, None, ("tool_use", None)),
        (WHOLE_CALL, "max_tokens", None, ("max_tokens", None)),
        (WHOLE_CALL, "refusal", None, ("refusal", None)),
        (CUT_CALL, "max_tokens", None, ("max_tokens", None)),
        (CUT_CALL, "end_turn", None, ("end_turn", None)),
    ],
)
def test_the_stop_reason_says_what_happened(
    events: Any, reason: Any, sequence: Any, expected: tuple[str, str | None]
):
    seen = see(START, *events, *ending(reason, sequence, output_tokens=5))
    assert seen.ending is not None
    assert (seen.ending["stop_reason"], seen.ending["stop_sequence"]) == expected


def test_details_of_a_refusal_pass():
    details = {"type": "refusal", "category": "cyber", "explanation": None}
    end = ending("refusal", output_tokens=5)
    end[0]["delta"] |= {"stop_details": details, "container": None, "diagnostics": {"x": 1}}
    seen = see(START, *HELLO, *end)
    assert seen.ending == {
        "stop_reason": "refusal",
        "stop_sequence": None,
        "stop_details": details,
    }


# --- usage ----------------------------------------------------------------------------------


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
        ([{"input_tokens": 10, "output_tokens": 1}], (10, SAID)),
        ([{}, {"output_tokens": 5}], (ESTIMATE, 5)),
        ([{}, {}], (ESTIMATE, SAID)),
        ([{"input_tokens": 10}, {"output_tokens": 0}], (10, SAID)),
        ([{"input_tokens": 10}, {"output_tokens": "5"}], (10, SAID)),
        ([{"input_tokens": 10}, {"output_tokens": True}], (10, SAID)),
        ([{"input_tokens": 10}, {"output_tokens": -5}], (10, SAID)),
        ([{"input_tokens": 10}, {"output_tokens": 2**31}], (10, SAID)),
        ([{"input_tokens": 10}, {"output_tokens": 5.5}], (10, SAID)),
        ([{"input_tokens": -10}, {"output_tokens": 5}], (ESTIMATE, 5)),
        ([{"input_tokens": 2**70}, {"output_tokens": 5}], (ESTIMATE, 5)),
    ],
)
def test_the_side_of_the_usage_that_cannot_be_is_counted_by_us(
    reports: Any, counts: tuple[int, int]
):
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
    assert not {"server_tool_use", "service_tier"} & set(seen.usage)


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


# --- what was delivered ---------------------------------------------------------------------


def test_what_was_delivered_is_counted_by_the_bytes_that_were_passed_on():
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


def test_what_still_waits_is_not_delivered():
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


# --- streams that break ---------------------------------------------------------------------


def failure_of(*raw: bytes) -> UpstreamErrorEvent:
    stream = new_stream()
    events = [event for chunk in raw for event in stream.feed(chunk)] + stream.close()
    assert isinstance(events[-1], UpstreamErrorEvent)
    assert stream.feed(frame(START)) == []
    assert stream.close() == []
    return events[-1]


WHOLE = b"".join(map(frame, [START, *HELLO, *END]))


@pytest.mark.parametrize("at", range(0, len(WHOLE) - 2, 7))
def test_a_connection_that_ends_too_early_is_an_error(at: int):
    assert isinstance(failure_of(WHOLE[:at]).error, UpstreamFailed)


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
        b"data: " + b"x" * (17 * 1024 * 1024),
    ],
    ids=["cut", "html", "array", "null", "cut character", "deep", "nan", "huge"],
)
def test_what_is_no_event_is_an_error(junk: bytes):
    assert isinstance(failure_of(frame(START), junk).error, UpstreamFailed)


def test_a_long_event_within_the_limit_passes():
    long = "x" * (10 * 1024 * 1024)
    seen = see(START, HELLO[0], text(0, long), stop(0), *END)
    assert seen.joined("text") == long


def test_an_upstreams_own_error_ends_the_stream_in_our_words():
    error = {"type": "overloaded_error", "message": "node 10.0.0.7 is busy"}
    seen = see(START, HELLO[0], text(0, "Hel"), {"type": "error", "error": error}, *END)
    assert seen.joined("text") == "Hel"
    assert not seen.is_open
    assert seen.error == {
        "type": "overloaded_error",
        "message": UpstreamOverloaded().message,
        "details": {"error_code": "upstream_overloaded"},
    }


def test_an_error_as_the_first_event_leaves_nothing_else():
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


# --- anything at all ------------------------------------------------------------------------

words = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
json_object = st.dictionaries(
    words, st.recursive(words | st.integers(-9, 9) | st.none(), st.lists, max_leaves=3), max_size=3
)


@st.composite
def pieces(draw: st.DrawFn, value: str) -> list[str]:
    cuts = draw(st.lists(st.integers(0, len(value)), max_size=3))
    edges = [0, *sorted(cuts), len(value)]
    return [value[a:b] for a, b in pairwise(edges)]


@st.composite
def answers(draw: st.DrawFn) -> tuple[list[list[dict[str, Any]]], list[Any]]:
    """Blocks, each as its own events, under whatever index; and what they hold. There is one
    block of text and one of thinking at most: where two mix, no order of their pieces is right."""
    kinds = draw(st.permutations(["text", "thinking", "tool_use", "tool_use", "tool_use"]))
    indexes = draw(st.lists(st.integers(0, 50), unique=True, max_size=5))
    said: list[Any] = []
    streams: list[list[dict[str, Any]]] = []
    for n, (index, kind) in enumerate(zip(indexes, kinds, strict=False)):
        if kind == "tool_use":
            arguments = draw(json_object)
            raw = json.dumps(arguments)
            said.append((kind, (f"t{n}", arguments)))
            events = [tool(index, f"t{n}", f"c{n}")]
            events += [fragment(index, part) for part in draw(pieces(raw))]
        else:
            value = draw(words)
            said.append((kind, value))
            events = [opened(index, kind, **{kind: ""})]
            events += [delta(index, f"{kind}_delta", part) for part in draw(pieces(value))]
        if draw(st.booleans()):
            events.append(stop(index))
        streams.append(events)
    return streams, said


@st.composite
def shuffled(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[Any]]:
    """The blocks' events interleaved, the order within each block kept."""
    streams, said = draw(answers())
    order = draw(st.permutations([n for n, events in enumerate(streams) for _ in events]))
    queues = [iter(events) for events in streams]
    return [next(queues[n]) for n in order], said


@given(
    answer=shuffled(),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    cuts=st.lists(st.integers(0, 5000), max_size=12),
)
def test_any_interleaving_and_any_cut_keep_grammar_and_content(
    answer: tuple[list[dict[str, Any]], list[Any]], line_end: str, cuts: list[int]
):
    events, said = answer
    raw = b"".join(frame(event, end=line_end) for event in [START, *events, *END])
    edges = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    seen = run(new_stream(), *(raw[a:b] for a, b in pairwise(edges)))

    assert seen.error is None
    calls = [value for kind, value in said if kind == "tool_use"]
    assert sorted(seen.calls(), key=str) == sorted(calls, key=str)
    for kind in ("text", "thinking"):
        sent = [e["delta"].get(kind, "") for e in events if e["type"] == "content_block_delta"]
        assert seen.joined(kind) == "".join(sent)


event_like = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            [
                "message_start",
                "content_block_start",
                "content_block_delta",
                "content_block_stop",
                "message_delta",
                "ping",
                "credits",
            ]
        )
    },
    optional={
        "index": st.integers(-1, 3) | st.none() | st.text(max_size=2) | st.lists(st.integers()),
        "content_block": st.none()
        | st.fixed_dictionaries(
            {"type": st.sampled_from(["text", "thinking", "tool_use", "redacted_thinking", "new"])},
            optional={
                "text": words | st.none(),
                "thinking": words | st.integers(),
                "id": words | st.none(),
                "name": words | st.none(),
                "input": json_object | words | st.none(),
                "signature": words | st.none(),
            },
        ),
        "delta": st.none()
        | st.fixed_dictionaries(
            {
                "type": st.sampled_from(
                    ["text_delta", "thinking_delta", "signature_delta", "input_json_delta", "x"]
                )
            },
            optional={
                "text": words | st.none(),
                "thinking": words | st.integers(),
                "signature": words,
                "partial_json": words | st.sampled_from(["{", "}", '{"a":', "1}", '"', "{}"]),
                "stop_reason": words | st.integers(),
                "stop_sequence": words | st.none(),
            },
        ),
        "message": st.none()
        | st.fixed_dictionaries({}, optional={"usage": st.none() | json_object}),
        "usage": st.none() | json_object,
    },
)


@given(events=st.lists(event_like, max_size=25), is_cut=st.booleans())
def test_no_upstream_breaks_the_grammar(events: list[dict[str, Any]], is_cut: bool):
    tail = [] if is_cut else END
    seen = see(*events, *tail)
    assert (seen.error is not None) == is_cut


def test_an_answer_starts_with_the_start():
    stream = new_stream()
    assert isinstance(stream.feed(frame(text(0, "a")))[0], MessageStart)
