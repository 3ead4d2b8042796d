"""Tool calls in a streamed chat completion, in all the ways that servers split them."""

import json
from typing import Any

import pytest

from gateway.formats import FORMATS
from gateway.reply.events import BlockDelta
from gateway.request import parse
from tests.support.chat_completions import LONG_NAME
from tests.support.chat_stream import (
    DONE,
    END,
    ROLE,
    call,
    chunk,
    new_stream,
    piece,
    see,
    text,
    usage,
)


def test_a_call_in_pieces():
    seen = see(
        ROLE,
        call(0, "clock", "", "call_1"),
        call(0, None, '{"zone"'),
        call(0, None, ': "UTC"}'),
        chunk({}, "tool_calls"),
        usage(),
        DONE,
    )
    assert seen.blocks[0]["id"] == "call_1"
    assert seen.calls() == [("clock", {"zone": "UTC"})]
    assert seen.ending == {"stop_reason": "tool_use", "stop_sequence": None}


@pytest.mark.parametrize(
    "pieces",
    [
        [(0, "clock", '{"a": 1}', "x")],
        [(0, "clock", '{"a"', "x"), (0, None, ": 1}", None)],
        [(0, "clock", None, "x"), (0, None, '{"a": 1}', "x")],
        [(0, "clock", '{"a"', "x"), (0, "clock", ": 1}", "x")],
        [(0, "clock", '{"a"', "x"), (0, None, ": 1}", "")],
        [(0, None, None, "x"), (0, None, '{"a"', None), (0, "clock", ": 1}", None)],
        [(0, "", "", "x"), (0, "clock", '{"a": 1}', "")],
        [(0, "clock", {"a": 1}, "x")],
        [(0, "clock", '"{\\"a\\"', "x"), (0, None, ': 1}"', None)],
        [(None, "clock", '{"a"', "x"), (None, None, ": 1}", "x")],
        [(None, "clock", '{"a"', "x"), (None, None, ": 1}", None)],
        [(0, "clock", '{"a": 1}', "x"), (0, None, '{"a": 1}', None)],
        [(5, "clock", '{"a": 1}', "x")],
    ],
    ids=[
        "whole",
        "with the name",
        "all at once",
        "name and id repeated",
        "empty id",
        "name last",
        "empty name first",
        "an object",
        "JSON in JSON",
        "no index",
        "neither index nor id",
        "arguments repeated",
        "index not from 0",
    ],
)
def test_a_call_may_come_in_many_ways(pieces: list[tuple[Any, ...]]):
    seen = see(ROLE, *(call(*part) for part in pieces), END)
    assert seen.calls() == [("clock", {"a": 1})]
    assert seen.blocks[0]["id"] == "x"


def test_calls_one_after_the_other():
    seen = see(call(0, "a", '{"x": 1}', "1"), call(1, "b", '{"y"', "2"), call(1, None, ": 2}"), END)
    assert seen.calls() == [("a", {"x": 1}), ("b", {"y": 2})]


def test_calls_in_one_chunk():
    both = [piece(0, "a", '{"x": 1}', "1"), piece(1, "b", '{"y": 2}', "2")]
    assert see(chunk({"tool_calls": both}), END).calls() == [("a", {"x": 1}), ("b", {"y": 2})]


def test_calls_in_one_chunk_without_indexes():
    both = [piece(None, "a", '{"x": 1}', None), piece(None, "b", '{"y": 2}', None)]
    assert see(chunk({"tool_calls": both}), END).calls() == [("a", {"x": 1}), ("b", {"y": 2})]


def test_calls_that_all_have_the_same_index():
    seen = see(call(0, "a", '{"x": 1}', "1"), call(0, "b", '{"y": 2}', "2"), END)
    assert seen.calls() == [("a", {"x": 1}), ("b", {"y": 2})]


A = ("a", {"x": 1})
B = ("b", {"y": 2})
AGAIN = ("a", {"x": 2})


@pytest.mark.parametrize("index", [0, None], ids=["index 0", "no index"])
@pytest.mark.parametrize("call_id", ["", None, "same"], ids=["empty id", "no id", "equal ids"])
@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([("a", '{"x": 1}'), ("b", '{"y": 2}')], [A, B]),
        ([("a", '{"x": 1}'), ("a", '{"x": 2}')], [A, AGAIN]),
        ([("a", '{"x"'), (None, ": 1}"), ("b", '{"y"'), (None, ": 2}")], [A, B]),
        ([("a", '{"x"'), (None, ": 1}"), ("b", ""), (None, '{"y": 2}')], [A, B]),
        ([("a", '{"x": 1}'), ("a", ""), (None, '{"x"'), (None, ": 2}")], [A, AGAIN]),
        ([("a", '{"x"'), ("a", ": 1}"), ("b", '{"y"'), ("b", ": 2}")], [A, B]),
        ([("a", '{"x"'), ("a", ": 1}"), ("a", "")], [A]),
        ([("a", ""), ("a", '{"x": 1}'), ("a", "")], [A]),
        ([("a", ""), ("b", ""), (None, "{}")], [("a", {}), ("b", {})]),
        ([("a", {"x": 1}), ("a", {"x": 2})], [A, AGAIN]),
        ([("a", '"{\\"x\\": 1}"'), ("b", '{"y": 2}')], [A, B]),
    ],
    ids=[
        "whole",
        "one name",
        "in pieces",
        "the name first",
        "one name, first",
        "the name in each piece",
        "a last piece with the name alone",
        "a first and a last piece with the name alone",
        "no arguments",
        "objects",
        "JSON in JSON",
    ],
)
def test_calls_are_told_apart_without_usable_ids(
    pieces: list[tuple[Any, Any]],
    expected: list[tuple[str, Any]],
    call_id: str | None,
    index: int | None,
):
    seen = see(ROLE, *(call(index, name, text, call_id) for name, text in pieces), END)

    assert seen.calls() == expected
    ids = [block["id"] for block in seen.blocks]
    assert all(ids)
    assert len(set(ids)) == len(ids)


def test_interleaved_calls_are_told_apart_by_their_names_alone():
    pieces = [("a", '{"x"'), ("b", '{"y"'), ("a", ": 1}"), ("b", ": 2}")]
    seen = see(ROLE, *(call(None, name, text) for name, text in pieces), END)
    assert seen.calls() == [A, B]


def test_an_id_of_each_fragment_is_one_call():
    pieces = [("a", '{"x"', "1"), (None, ": ", "2"), (None, "1}", "3")]
    seen = see(ROLE, *(call(None, *one) for one in pieces), END)
    assert seen.calls() == [A]
    assert seen.blocks[0]["id"] == "1"


def test_two_entries_of_one_chunk_are_two_calls_without_any_mark():
    both = [piece(None, "a", "{}", None), piece(None, "a", "{}", None)]
    empty = [piece(0, "a", "", ""), piece(0, "a", "", "")]
    for entries in (both, empty):
        assert see(chunk({"tool_calls": entries}), END).calls() == [("a", {}), ("a", {})]


def test_fragments_out_of_order_are_put_together():
    seen = see(
        call(1, "b", '{"y"', "2"),
        call(0, "a", '{"x"', "1"),
        call(1, None, ": 2"),
        call(0, None, ": 1}"),
        call(1, None, "}"),
        END,
    )
    assert sorted(seen.calls()) == [("a", {"x": 1}), ("b", {"y": 2})]


def test_the_second_call_streams_as_soon_as_the_first_is_complete():
    stream = new_stream()
    stream.feed(call(0, "a", '{"x": 1}', "1"))
    stream.feed(call(1, "b", '{"y"', "2"))
    assert stream.feed(call(1, None, ": 2}")) == [
        BlockDelta(1, {"type": "input_json_delta", "partial_json": ": 2}"})
    ]


def test_text_in_the_middle_of_a_call_comes_after_it():
    seen = see(call(0, "a", '{"x"', "1"), text("meanwhile"), call(0, None, ": 1}"), text("!"), END)
    assert seen.kinds() == ["tool_use", "text"]
    assert seen.joined("text") == "meanwhile!"
    assert seen.calls() == [("a", {"x": 1})]


def test_text_after_a_complete_call_is_passed_on_at_once():
    stream = new_stream()
    stream.feed(call(0, "a", '{"x": 1}', "1"))
    assert stream.feed(text("b"))[-1] == BlockDelta(1, {"type": "text_delta", "text": "b"})


def test_a_call_that_is_never_named_is_a_fault():
    """Dropped, it would be lost without a word."""
    seen = see(text("a"), call(0, None, '{"x": 1}', "1"), END)
    assert seen.error is not None


@pytest.mark.parametrize("empty", ["", " ", "{}", None])
def test_one_without_a_name_and_an_input_is_none(empty: Any):
    seen = see(text("a"), call(0, None, empty, "1"), END)
    assert seen.kinds() == ["text"]
    assert seen.ending == {"stop_reason": "end_turn", "stop_sequence": None}


def test_the_deprecated_function_call_is_decoded():
    first = chunk({"function_call": {"name": "clock", "arguments": '{"a"'}})
    seen = see(first, chunk({"function_call": {"arguments": ": 1}"}}, "function_call"), DONE)
    assert seen.calls() == [("clock", {"a": 1})]


def test_missing_and_repeated_call_ids_are_replaced():
    seen = see(call(0, "a", "{}", "x"), call(1, "b", "{}", "x"), call(2, "c", "{}"), END)
    ids = [block["id"] for block in seen.blocks]
    assert ids[0] == "x"
    assert len(set(ids)) == 3


def test_long_tool_names_are_restored():
    tools = [{"name": LONG_NAME, "input_schema": {}}]
    body = {"model": "m", "max_tokens": 9, "tools": tools}
    body |= {"messages": [{"role": "user", "content": "x"}]}
    post = FORMATS["chat_completions"].encode_request(
        parse.messages_request(json.dumps(body).encode()),
        upstream_model="m",
        max_tokens=9,
        stream=True,
    )
    short = json.loads(post.body)["tools"][0]["function"]["name"]
    assert see(call(0, short, "{}", "x"), END, tools=tools).calls() == [(LONG_NAME, {})]
