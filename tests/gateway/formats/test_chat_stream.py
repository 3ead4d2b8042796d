"""Chunks of a streamed chat completion become a message that keeps the grammar."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UpstreamFailed, UpstreamOverloaded
from gateway.formats import FORMATS, Stream
from gateway.reply.events import BlockDelta, UpstreamErrorEvent, Usage
from gateway.request import parse
from tests.support.stream_grammar import Seen, run

LONG_NAME = "mcp__" + "a" * 100


def new_stream(**fields: Any) -> Stream:
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}
    request = parse.parse(json.dumps(body | fields).encode())
    return FORMATS["chat_completions"].open_stream(request=request)


ESTIMATE = new_stream().usage_so_far().input_tokens


def chunk(delta: Any = None, finish_reason: Any = None, **rest: Any) -> bytes:
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish_reason} | rest
    return frame({"object": "chat.completion.chunk", "choices": [choice]})


def frame(data: Any) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()


def usage(prompt: Any = 10, completion: Any = 5, **rest: Any) -> bytes:
    counts = {"prompt_tokens": prompt, "completion_tokens": completion} | rest
    return frame({"choices": [], "usage": counts})


def text(value: str) -> bytes:
    return chunk({"content": value})


def call(index: Any = 0, name: Any = None, arguments: Any = None, call_id: Any = None) -> bytes:
    return chunk({"tool_calls": [piece(index, name, arguments, call_id)]})


def piece(index: Any, name: Any, arguments: Any, call_id: Any) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    whole = {"index": index, "id": call_id, "type": "function", "function": function}
    return {key: value for key, value in whole.items() if value is not None}


ROLE = chunk({"role": "assistant", "content": ""})
DONE = b"data: [DONE]\n\n"
END = chunk({}, "stop") + usage() + DONE


def see(*chunks: bytes, **fields: Any) -> Seen:
    return run(new_stream(**fields), *chunks)


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


def test_a_character_that_was_cut_in_two_is_made_whole():
    said = [text("a\ud83d"), text("\ude00\ud83d"), text("\ude01")]
    calls = [call(0, "f", '{"a": "\ud83d', "c_1"), call(0, None, '\ude02"}')]
    seen = see(ROLE, *said, *calls, END)
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
        {"type": "thinking", "thinking": "hm", "signature": ""},
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


def test_a_call_that_is_never_named_is_dropped():
    seen = see(text("a"), call(0, None, '{"x": 1}', "1"), END)
    assert seen.kinds() == ["text"]
    assert seen.ending == {"stop_reason": "end_turn", "stop_sequence": None}


def test_the_older_single_call_is_read():
    first = chunk({"function_call": {"name": "clock", "arguments": '{"a"'}})
    seen = see(first, chunk({"function_call": {"arguments": ": 1}"}}, "function_call"), DONE)
    assert seen.calls() == [("clock", {"a": 1})]


def test_missing_and_repeated_call_ids_are_replaced():
    seen = see(call(0, "a", "{}", "x"), call(1, "b", "{}", "x"), call(2, "c", "{}"), END)
    ids = [block["id"] for block in seen.blocks]
    assert ids[0] == "x"
    assert len(set(ids)) == 3


def test_long_names_come_back():
    tools = [{"name": LONG_NAME, "input_schema": {}}]
    body = {"model": "m", "max_tokens": 9, "tools": tools}
    body |= {"messages": [{"role": "user", "content": "x"}]}
    post = FORMATS["chat_completions"].encode_request(
        parse.parse(json.dumps(body).encode()), upstream_model="m", max_tokens=9, stream=True
    )
    short = json.loads(post.body)["tools"][0]["function"]["name"]
    assert see(call(0, short, "{}", "x"), END, tools=tools).calls() == [(LONG_NAME, {})]


def test_nothing_at_all_is_one_empty_text():
    assert see(ROLE, END).blocks == [{"type": "text", "text": ""}]
    assert see(ROLE, DONE).blocks == [{"type": "text", "text": ""}]


# --- why it ended ---------------------------------------------------------------------------

CALL = call(0, "a", "{}", "1")
CUT = call(0, "a", '{"x": ', "1")


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
def test_why_it_ended(chunks: list[bytes], expected: str):
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
def test_the_stop_string_that_fired(chunks: list[bytes]):
    seen = see(*chunks, usage(), DONE, stop_sequences=["THE", "END"])
    assert seen.ending == {"stop_reason": "stop_sequence", "stop_sequence": "END"}


def test_a_refusal_is_told():
    assert (
        see(chunk({"refusal": "I "}), chunk({"refusal": "won't"}), END).joined("text") == "I won't"
    )


# --- usage ----------------------------------------------------------------------------------


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


def test_the_side_that_is_not_reported_is_counted_by_us():
    said = text("a"), chunk({}, "stop")
    assert final_usage(*said, DONE) == Usage(ESTIMATE, 1, is_estimated=True)
    assert final_usage(*said, usage(10, 0), DONE) == Usage(10, 1, is_estimated=True)
    assert final_usage(*said, usage(0, 5), DONE) == Usage(ESTIMATE, 5, is_estimated=True)


def test_what_was_delivered_is_known_without_usage():
    stream = new_stream()
    stream.feed(ROLE)
    assert stream.delivered_tokens_estimate() == 0
    stream.feed(text("12345"))
    assert stream.delivered_tokens_estimate() == 2
    assert stream.usage_so_far() == Usage(ESTIMATE, 2, is_estimated=True)
    stream.feed(usage(10, 1))
    assert stream.usage_so_far() == Usage(10, 2, is_estimated=True)


# --- streams that break ---------------------------------------------------------------------


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
        [ROLE, text("a"), b"data: " + b"x" * (17 * 1024 * 1024)],
        [ROLE, text("a"), frame({"error": {"message": "boom"}}), END],
        [ROLE, text("a"), frame({"error": "boom"}), END],
    ],
    ids=range(13),
)
def test_a_stream_that_breaks_is_an_error(chunks: list[bytes]):
    assert isinstance(failure_of(*chunks).error, UpstreamFailed)


def test_an_error_in_the_stream_has_its_meaning():
    error = {"code": 429, "message": "rate limit of key sk-abcdefgh"}
    failed = failure_of(ROLE, text("a"), frame({"error": error})).error
    assert isinstance(failed, UpstreamOverloaded)
    assert "sk-" not in failed.message


def test_an_error_first_is_all_there_is():
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


# --- anything at all ------------------------------------------------------------------------

words = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
json_object = st.dictionaries(
    words, st.recursive(words | st.integers(-9, 9) | st.none(), st.lists, max_leaves=3), max_size=3
)


@st.composite
def answers(draw: st.DrawFn) -> tuple[list[bytes], str, str, list[tuple[str, Any]]]:
    """Chunks with everything interleaved, each call's fragments in their order; and the content."""
    calls = [(f"t{n}", value) for n, value in enumerate(draw(st.lists(json_object, max_size=4)))]
    queues = [_pieces(draw, n, name, value) for n, (name, value) in enumerate(calls)]
    said = [chunk({"content": word}) for word in draw(st.lists(words, max_size=4))]
    thought = [chunk({"reasoning_content": word}) for word in draw(st.lists(words, max_size=4))]
    queues += [said, thought]
    order = draw(st.permutations([n for n, queue in enumerate(queues) for _ in queue]))
    iterators = [iter(queue) for queue in queues]
    chunks = [next(iterators[n]) for n in order]
    return chunks, _joined(said, "content"), _joined(thought, "reasoning_content"), calls


def _pieces(draw: st.DrawFn, index: int, name: str, value: Any) -> list[bytes]:
    raw = json.dumps(value)
    cuts = sorted(draw(st.lists(st.integers(0, len(raw)), max_size=3)))
    fragments = [raw[a:b] for a, b in pairwise([0, *cuts, len(raw)])]
    first = call(index, name, fragments[0], f"id{index}")
    return [first, *(call(index, None, fragment) for fragment in fragments[1:])]


def _joined(chunks: list[bytes], name: str) -> str:
    deltas = (json.loads(raw[6:])["choices"][0]["delta"] for raw in chunks)
    return "".join(delta[name] for delta in deltas)


@given(answer=answers(), cuts=st.lists(st.integers(0, 5000), max_size=12))
def test_any_interleaving_and_any_cut_keep_grammar_and_content(
    answer: tuple[list[bytes], str, str, list[tuple[str, Any]]], cuts: list[int]
):
    chunks, said, thought, calls = answer
    raw = b"".join([ROLE, *chunks, END])
    edges = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    seen = see(*(raw[a:b] for a, b in pairwise(edges)))
    assert seen.error is None
    assert seen.joined("text") == said
    assert seen.joined("thinking") == thought
    assert sorted(seen.calls(), key=str) == sorted(calls, key=str)
    assert seen.ending == {
        "stop_reason": "tool_use" if calls else "end_turn",
        "stop_sequence": None,
    }


scalar: st.SearchStrategy[Any] = (
    st.none() | words | st.integers(-2, 3) | st.booleans() | st.just({})
)
strange_call = st.fixed_dictionaries(
    {},
    optional={
        "index": scalar,
        "id": scalar,
        "function": st.none()
        | st.fixed_dictionaries(
            {},
            optional={
                "name": scalar,
                "arguments": scalar | json_object | st.sampled_from(["{", "}", '{"a"', ":1}", '"']),
            },
        ),
    },
)
strange_delta = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "content": scalar | st.lists(st.fixed_dictionaries({"type": scalar, "text": scalar})),
        "reasoning_content": scalar,
        "reasoning": scalar,
        "refusal": scalar,
        "tool_calls": scalar | st.lists(strange_call | scalar, max_size=3),
        "function_call": scalar | st.fixed_dictionaries({"name": scalar, "arguments": scalar}),
    },
)
strange_chunk = st.fixed_dictionaries(
    {},
    optional={
        "choices": scalar
        | st.lists(
            st.fixed_dictionaries({"delta": strange_delta}, optional={"finish_reason": scalar}),
            max_size=2,
        ),
        "usage": scalar
        | st.fixed_dictionaries(
            {},
            optional={
                "prompt_tokens": scalar | st.integers(),
                "completion_tokens": scalar | st.integers(),
                "prompt_tokens_details": scalar
                | st.fixed_dictionaries({"cached_tokens": scalar | st.integers()}),
            },
        ),
    },
)


@given(chunks=st.lists(strange_chunk, max_size=20), is_cut=st.booleans())
def test_no_upstream_breaks_the_grammar(chunks: list[dict[str, Any]], is_cut: bool):
    tail = [] if is_cut else [ROLE, END]
    seen = see(*map(frame, chunks), *tail)
    if not is_cut:
        assert seen.error is None
