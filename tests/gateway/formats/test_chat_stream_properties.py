"""Property tests: any interleaving of chunks, and any chunks at all, keep the grammar."""

import json
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.support.chat_stream import END, ROLE, call, chunk, frame, see
from tests.support.random_json import json_object, split_at, words


@st.composite
def answers(draw: st.DrawFn) -> tuple[list[bytes], str, str, list[tuple[str, Any]]]:
    """Chunks in any interleaving that keeps the order within each block, and their content."""
    calls = [(f"t{n}", value) for n, value in enumerate(draw(st.lists(json_object, max_size=4)))]
    queues = [_pieces(draw, n, name, value) for n, (name, value) in enumerate(calls)]
    texts = [chunk({"content": word}) for word in draw(st.lists(words, max_size=4))]
    thinking = [chunk({"reasoning_content": word}) for word in draw(st.lists(words, max_size=4))]
    queues += [texts, thinking]
    order = draw(st.permutations([n for n, queue in enumerate(queues) for _ in queue]))
    iterators = [iter(queue) for queue in queues]
    chunks = [next(iterators[n]) for n in order]
    return chunks, _joined(texts, "content"), _joined(thinking, "reasoning_content"), calls


def _pieces(draw: st.DrawFn, index: int, name: str, value: Any) -> list[bytes]:
    raw = json.dumps(value)
    fragments = split_at(raw, draw(st.lists(st.integers(0, len(raw)), max_size=3)))
    first = call(index, name, fragments[0], f"id{index}")
    return [first, *(call(index, None, fragment) for fragment in fragments[1:])]


def _joined(chunks: list[bytes], name: str) -> str:
    deltas = (json.loads(raw[6:])["choices"][0]["delta"] for raw in chunks)
    return "".join(delta[name] for delta in deltas)


@given(answer=answers(), cuts=st.lists(st.integers(0, 5000), max_size=12))
def test_any_interleaving_and_any_cut_keep_grammar_and_content(
    answer: tuple[list[bytes], str, str, list[tuple[str, Any]]], cuts: list[int]
):
    chunks, text, thinking, calls = answer
    assume(chunks)  # without content it is a fault
    seen = see(*split_at(b"".join([ROLE, *chunks, END]), cuts))
    assert seen.error is None
    assert seen.joined("text") == text
    assert seen.joined("thinking") == thinking
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
    if not is_cut and seen.error is not None:  # for want of an object, or of any content
        assert seen.error["details"]["error_code"] in ("invalid_tool_input", "upstream_empty")
