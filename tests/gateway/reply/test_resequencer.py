"""The blocks of a Messages stream are sent in order, from any order of arrival."""

from typing import Any

import pytest

from gateway.reply.events import BlockDelta, MessageStart
from tests.support.messages_stream import (
    END,
    HELLO,
    START,
    delta,
    ending,
    fragment,
    frame,
    new_stream,
    opened,
    see,
    stop,
    text,
    tool,
)


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
    """llama.cpp opens text while thinking is open, and sends all stops at the end."""
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


def test_text_is_not_delayed_by_an_open_thinking_block():
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
        (["[", "]"], {}),
        (['{"a": "1\n', '2"}'], {"a": "1\n2"}),
        (['{"a": "C:\\', "dir\\", 'x"}'], {"a": "C:\\dir\\x"}),
        (['{"a": "\\u00', 'e9\\u1"}'], {"a": "é\\u1"}),
        (['{"a": [1, 2,', " ], ", "}"], {"a": [1, 2]}),
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


BAD_INPUTS = [["nonsense"], ["[1, 2]"], ['{"a" ', "1}"], ['{"a": 1'], ['{"a": "x', "y}"]]


@pytest.mark.parametrize("fragments", BAD_INPUTS)
@pytest.mark.parametrize("is_stopped", [False, True])
def test_input_that_is_no_object_is_a_fault(fragments: list[str], is_stopped: bool):
    pieces = [fragment(0, piece) for piece in fragments]
    seen = see(START, tool(0), *pieces, *[stop(0)] * is_stopped, *ending("tool_use"))
    assert seen.error is not None
    assert seen.error["details"]["error_code"] == "invalid_tool_input"
    assert seen.is_open


@pytest.mark.parametrize("is_stopped", [False, True])
def test_a_call_that_the_token_limit_cuts_is_delivered_as_far_as_it_came(is_stopped: bool):
    pieces = [fragment(0, '{"a": '), fragment(0, '"x')]
    seen = see(START, tool(0), *pieces, *[stop(0)] * is_stopped, *ending("max_tokens"))
    assert seen.error is None
    assert seen.blocks[0]["json"] == '{"a": "x'
    assert seen.ending == {"stop_reason": "max_tokens", "stop_sequence": None}


def test_missing_and_repeated_call_ids_are_replaced():
    nameless = opened(1, "tool_use", name="clock", input=None)
    seen = see(START, tool(0), stop(0), nameless, stop(1), tool(2), stop(2), *END)
    ids = [block["id"] for block in seen.blocks]
    assert ids[0] == "call_1"
    assert len(set(ids)) == 3
    assert all(call_id.startswith("toolu_") for call_id in ids[1:])


def test_a_block_of_an_unknown_type_passes_as_it_is_and_in_place():
    deltas = [delta(1, "hologram_delta", "x"), delta(1, "text_delta", "y")]
    seen = see(
        START,
        *HELLO,
        opened(1, "hologram", data=None),
        *deltas,
        stop(1),
        opened(2, "text", text=""),
        text(2, "kept"),
        stop(2),
        *END,
    )
    assert seen.kinds() == ["text", "hologram", "text"]
    assert seen.blocks[1] == {
        "type": "hologram",
        "data": None,
        "deltas": [one["delta"] for one in deltas],
    }


def test_unrecognised_events_and_deltas_are_dropped():
    seen = see(
        START,
        {"type": "credits", "left": 1},
        opened(0, "text", text=""),
        delta(0, "hologram_delta", "x"),
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
    assert seen.blocks == [{"type": "text", "text": ""}, {"type": "text", "text": "kept"}]


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
        "output_tokens": 4,  # estimated, since the upstream reported none
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "credits_consumed": 7,
    }


def test_a_failed_compaction_is_passed_on():
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


def test_an_answer_starts_with_the_start():
    stream = new_stream()
    assert isinstance(stream.feed(frame(text(0, "a")))[0], MessageStart)
