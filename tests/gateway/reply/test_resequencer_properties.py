"""Property tests: any interleaving of blocks, and any events at all, keep the grammar."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.support.messages_stream import (
    END,
    START,
    delta,
    fragment,
    frame,
    new_stream,
    opened,
    see,
    stop,
    tool,
)
from tests.support.random_json import json_object, split_at, words
from tests.support.stream_grammar import run


@st.composite
def pieces(draw: st.DrawFn, value: str) -> list[str]:
    return split_at(value, draw(st.lists(st.integers(0, len(value)), max_size=3)))


@st.composite
def answers(draw: st.DrawFn) -> tuple[list[list[dict[str, Any]]], list[Any]]:
    """The events of each block, under any index, and the blocks' content. At most one block is text
    and one thinking: if two were interleaved, no order of their text would be right."""
    kinds = draw(st.permutations(["text", "thinking", "tool_use", "tool_use", "tool_use"]))
    indexes = draw(st.lists(st.integers(0, 50), unique=True, max_size=5))
    content: list[Any] = []
    streams: list[list[dict[str, Any]]] = []
    for n, (index, kind) in enumerate(zip(indexes, kinds, strict=False)):
        if kind == "tool_use":
            arguments = draw(json_object)
            raw = json.dumps(arguments)
            content.append((kind, (f"t{n}", arguments)))
            events = [tool(index, f"t{n}", f"c{n}")]
            events += [fragment(index, part) for part in draw(pieces(raw))]
        else:
            value = draw(words)
            content.append((kind, value))
            events = [opened(index, kind, **{kind: ""})]
            events += [delta(index, f"{kind}_delta", part) for part in draw(pieces(value))]
        if draw(st.booleans()):
            events.append(stop(index))
        streams.append(events)
    return streams, content


@st.composite
def shuffled(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[Any]]:
    """The blocks' events in any interleaving that keeps the order within each block."""
    streams, content = draw(answers())
    order = draw(st.permutations([n for n, events in enumerate(streams) for _ in events]))
    queues = [iter(events) for events in streams]
    return [next(queues[n]) for n in order], content


@given(
    answer=shuffled(),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    cuts=st.lists(st.integers(0, 5000), max_size=12),
)
def test_any_interleaving_and_any_cut_keep_grammar_and_content(
    answer: tuple[list[dict[str, Any]], list[Any]], line_end: str, cuts: list[int]
):
    events, content = answer
    raw = b"".join(frame(event, end=line_end) for event in [START, *events, *END])
    seen = run(new_stream(), *split_at(raw, cuts))

    assert seen.error is None
    calls = [value for kind, value in content if kind == "tool_use"]
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
    has_ended = any(
        event["type"] == "message_delta"
        and isinstance((event.get("delta") or {}).get("stop_reason"), str)
        for event in events
    )
    if is_cut and not has_ended:
        assert seen.error is not None
    elif seen.error is not None:  # for want of an object
        assert seen.error["details"]["error_code"] == "invalid_tool_input"
