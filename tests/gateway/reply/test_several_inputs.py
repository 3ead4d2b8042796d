"""Several inputs in that of one call are as many calls, wherever the text is split."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidToolInput
from gateway.reply.blocks import ToolBlock
from gateway.reply.events import BlockDelta, BlockStart, Event, MessageDelta
from gateway.reply.resequencer import Resequencer
from gateway.reply.tool_inputs import parse, parse_all
from tests.support.random_json import json_object, split_at

between = st.sampled_from(["", " ", "\n", ",", ", ", ";", "{}", "{ }\n", "}"])
cuts = st.lists(st.integers(0, 400), max_size=6)


def streamed(pieces: list[str], *, is_stopped: bool) -> list[Event]:
    out = Resequencer()
    block = ToolBlock({"type": "tool_use", "id": "toolu_1", "name": "look"})
    events = out.open(block)
    for piece in pieces:
        events += out.extend(block, {"type": "input_json_delta", "partial_json": piece})
    if is_stopped:
        events += out.stop(block)
    return events + out.finish("tool_use")


def inputs(events: list[Event]) -> list[Any]:
    texts: dict[int, str] = {}
    for event in events:
        if isinstance(event, BlockStart):
            texts[event.index] = ""
        elif isinstance(event, BlockDelta):
            texts[event.index] += event.delta["partial_json"]
    return [json.loads(text or "{}") for text in texts.values()]


def distinct(objects: list[Any]) -> list[Any]:
    """Without empty ones and repetitions; an empty one if nothing else is there."""
    by_text: dict[str, Any] = {}
    for one in filter(None, objects):
        by_text.setdefault(json.dumps(one, sort_keys=True), one)
    return list(by_text.values()) or [{}]


@given(st.lists(st.tuples(json_object, between), min_size=1, max_size=4), cuts, st.booleans())
def test_each_object_is_a_call(parts: list[Any], at: list[int], is_stopped: bool):
    text = "".join(json.dumps(one) + after for one, after in parts)
    expected = distinct([one for one, _ in parts])

    events = streamed(split_at(text, at), is_stopped=is_stopped)

    assert inputs(events) == expected
    assert parse_all(text) == expected
    ends = [event for event in events if isinstance(event, MessageDelta)]
    assert [end.stop_reason for end in ends] == ["tool_use"]
    ids = [event.block["id"] for event in events if isinstance(event, BlockStart)]
    assert ids[0] == "toolu_1"
    assert len(set(ids)) == len(ids)


@given(json_object.filter(bool), json_object.filter(bool), st.integers(1, 400), cuts)
def test_a_second_object_that_is_cut_is_a_fault(
    first: Any, second: Any, missing: int, at: list[int]
):
    whole = json.dumps(second)
    text = json.dumps(first) + whole[: max(1, len(whole) - missing)]

    with pytest.raises(InvalidToolInput):
        streamed(split_at(text, at), is_stopped=True)
    with pytest.raises(InvalidToolInput):
        parse_all(text)


def test_where_one_input_is_expected_several_are_a_fault():
    with pytest.raises(InvalidToolInput):
        parse('{"a": 1}{"a": 2}')


def test_a_fault_in_a_later_call_leaves_no_block_that_was_not_begun():
    """The events of the fragment with the fault are lost."""
    out = Resequencer()
    first, second = (ToolBlock({"type": "tool_use", "id": name, "name": "look"}) for name in "ab")
    events = out.open(first)
    events += out.extend(first, {"type": "input_json_delta", "partial_json": "{}"})
    second.pending.append({"type": "input_json_delta", "partial_json": '{"a": 1}{a}'})
    with pytest.raises(InvalidToolInput):
        events += out.open(second)

    assert [event.type for event in out.fail(InvalidToolInput())] == ["api_error"]
