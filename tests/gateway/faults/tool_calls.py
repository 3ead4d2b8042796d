"""Tool calls as models and servers write them: without marks, several in one, in JSON that is none,
cut, under names that no tool has."""

from collections.abc import Iterator
from typing import Any

from tests.gateway.faults.table import (
    ANSWERED,
    BROKE_OFF,
    CHAT_PLAIN,
    CHAT_STREAMED,
    FAILED,
    MESSAGES_PLAIN,
    MESSAGES_STREAMED,
    Fault,
    Outcome,
    Way,
    in_every_format,
)
from tests.support.replies import (
    answers,
    chunk,
    chunks,
    completion,
    event,
    events,
    message,
    streams,
    then,
    wait,
)
from tests.support.scripted_upstream import Play

Calls = list[tuple[Any, Any]]
TOOLS = {
    "tools": [{"name": name, "input_schema": {"type": "object"}} for name in ("look", "listen")]
}
ROLE, *_, USAGE, DONE = chunks()
START, *_, STOP = events()
MENDED: list[tuple[str, str, Any]] = [
    ("a line break in a string", '{"at": "one\ntwo"}', {"at": "one\ntwo"}),
    ("a tab in a string", '{"at": "one\ttwo"}', {"at": "one\ttwo"}),
    ("single backslashes", '{"at": "C:\\dir\\sub"}', {"at": "C:\\dir\\sub"}),
    ("a comma after the last member", '{"at": "it",}', {"at": "it"}),
    ("a comma after the last item", '{"at": ["it", ]}', {"at": ["it"]}),
]
MADE_UP = {
    "functions.look": "look",
    "look<|channel|>commentary": "look",
    "default_api:listen": "listen",
    "Listen": "listen",
    "functions.smell": "functions_smell",
}
# Inputs of several calls in that of one, and the calls that they are.
SEVERAL: dict[str, tuple[str, list[Any]]] = {
    "two objects": ('{"at": 1}{"at": 2}', [{"at": 1}, {"at": 2}]),
    "three objects, on lines": (
        '{"at": 1}\n{"at": 2}\n{"to": {"x": "}{"}}',
        [{"at": 1}, {"at": 2}, {"to": {"x": "}{"}}],
    ),
    "objects with commas": ('{"at": 1}, {"at": 2}', [{"at": 1}, {"at": 2}]),
    "objects to mend": ('{"at": "C:\\d",}{"at": "a\nb"}', [{"at": "C:\\d"}, {"at": "a\nb"}]),
    "the same object again": ('{"at": 1, "to": 2}{"to": 2, "at": 1}', [{"at": 1, "to": 2}]),
    "an empty object first": ('{}{"at": 1}', [{"at": 1}]),
    "an empty object last": ('{"at": 1}{}', [{"at": 1}]),
    "empty objects": ("{}{}", [{}]),
    "a bracket too many": ('{"at": 1}}', [{"at": 1}]),
    "a mark of the template after it": ('{"at": 1}</tool_call>', [{"at": 1}]),
    "JSON in a string": ('"{\\"at\\": 1}{\\"at\\": 2}"', [{"at": 1}, {"at": 2}]),
}
HOPELESS = {
    "cut": '{"at": "i',
    "a missing colon": '{"at" "it"}',
    "names without quotes": '{at: "it"}',
    "a list": '["it"]',
    "a sentence": "it",
    "a second object that is cut": '{"at": 1}{"at": ',
    "a second object without quotes": '{"at": 1}{at: 2}',
    "an object after words": '{"at": 1}</tool_call>{"at": 2}',
    "an empty object, then one that is cut": '{}{"at": ',
}


def block(name: str, tool_input: Any) -> dict[str, Any]:
    return {"type": "tool_use", "name": name, "input": tool_input}


def called(*calls: dict[str, Any]) -> Outcome:
    return ANSWERED.with_content(*calls, stop_reason="tool_use")


# --- Chat completions ---------------------------------------------------------------------------


def piece(index: int | None, call_id: Any, name: str | None, text: Any) -> dict[str, Any]:
    function = {"arguments": text} | ({} if name is None else {"name": name})
    marks = {} if index is None else {"index": index}
    return {"id": call_id, "type": "function", "function": function} | marks


def chat_stream(*pieces: Any, finish: str = "tool_calls") -> Play:
    """A chunk for each fragment; other steps as they are."""
    steps = [chunk({"tool_calls": [one]}) if isinstance(one, dict) else one for one in pieces]
    return streams(ROLE, *steps, chunk({}, finish_reason=finish), USAGE, DONE)


def chat_at_once(*pieces: dict[str, Any]) -> Play:
    """As `chat_stream`, in one read."""
    calls = [chunk({"tool_calls": [one]}) for one in pieces]
    return streams(b"".join([ROLE, *calls, chunk({}, finish_reason="tool_calls"), USAGE, DONE]))


def chat_whole(calls: Calls, finish: str = "tool_calls") -> Play:
    pieces = [piece(None, f"call_{n}", *call) for n, call in enumerate(calls)]
    reply = {"role": "assistant", "content": None, "tool_calls": pieces}
    return answers(completion(choices=[{"message": reply, "finish_reason": finish}]))


def in_pieces(text: str) -> list[str]:
    """A character each."""
    return list(text)


# --- Messages -----------------------------------------------------------------------------------


def messages_stream(*texts: Any, reason: str = "tool_use", name: Any = "look") -> Play:
    opening = {"type": "tool_use", "id": "toolu_1", "name": name, "input": {}}
    steps = [
        event(
            "content_block_delta",
            index=0,
            delta={"type": "input_json_delta", "partial_json": one},
        )
        if isinstance(one, str)
        else one
        for one in texts
    ]
    end = event(
        "message_delta",
        delta={"stop_reason": reason, "stop_sequence": None},
        usage={"output_tokens": 23},
    )
    return streams(
        START,
        event("content_block_start", index=0, content_block=opening),
        *steps,
        event("content_block_stop", index=0),
        end,
        STOP,
    )


def messages_whole(text: Any, reason: str = "tool_use", name: Any = "look") -> Play:
    """A server that passes the model's JSON on as a string."""
    content = [{"type": "tool_use", "id": "toolu_1", "name": name, "input": text}]
    return answers(message(content=content, stop_reason=reason))


# --- The rows -----------------------------------------------------------------------------------


def fault(name: str, play: Play, outcome: Outcome, ways: tuple[Way, ...]) -> Fault:
    return Fault(f"tool calls: {name}", in_every_format(play), outcome, ways, fields=TOOLS)


def _parallel() -> Iterator[Fault]:
    """Two calls whose marks do not tell them apart."""
    two = called(block("look", {"at": 1}), block("listen", {"to": 2}))
    same = called(block("look", {"at": 1}), block("look", {"at": 2}))
    ids = {"empty ids": "", "ids of null": None, "equal ids": "call_1"}
    for id_name, call_id in ids.items():
        for index_name, index in {"one index": 0, "no index": None}.items():
            marks = f"{id_name}, {index_name}"
            pieces = [
                piece(index, call_id, "look", '{"at"'),
                piece(index, call_id, None, ": 1}"),
                piece(index, call_id, "listen", '{"to"'),
                piece(index, call_id, None, ": 2}"),
            ]
            yield fault(f"{marks}, in pieces", chat_stream(*pieces), two, CHAT_STREAMED)
            whole = [
                piece(index, call_id, "look", '{"at": 1}'),
                piece(index, call_id, "look", '{"at": 2}'),
            ]
            yield fault(f"{marks}, one name", chat_stream(*whole), same, CHAT_STREAMED)
            together = chat_stream(chunk({"tool_calls": whole}))
            yield fault(f"{marks}, in one chunk", together, same, CHAT_STREAMED)
            plain = completion(
                choices=[
                    {
                        "message": {"role": "assistant", "content": None, "tool_calls": whole},
                        "finish_reason": "tool_calls",
                    }
                ]
            )
            yield fault(f"{marks}, plain", answers(plain), same, CHAT_PLAIN)
    repeated = [piece(None, None, "look", text) for text in ('{"at"', ": 1}", "")]
    yield fault(
        "the name in every piece and no other mark",
        chat_stream(*repeated),
        called(block("look", {"at": 1})),
        CHAT_STREAMED,
    )
    late = [
        piece(0, "", "look", '{"at": 1}'),
        piece(0, "", "look", ""),
        piece(0, "", None, '{"at": 2}'),
    ]
    yield fault("one name and no mark, name first", chat_stream(*late), same, CHAT_STREAMED)


def _mended() -> Iterator[Fault]:
    for name, text, value in MENDED:
        outcome = called(block("look", value))
        yield from _ways_of(name, text, outcome)


def _ways_of(name: str, text: str, outcome: Outcome) -> Iterator[Fault]:
    first = piece(0, "call_1", "look", "")
    pieces = [first, *(piece(0, None, None, part) for part in in_pieces(text))]
    yield fault(
        f"{name}, whole", chat_stream(piece(0, "call_1", "look", text)), outcome, CHAT_STREAMED
    )
    yield fault(f"{name}, in pieces", chat_stream(*pieces), outcome, CHAT_STREAMED)
    yield fault(f"{name}, plain", chat_whole([("look", text)]), outcome, CHAT_PLAIN)
    yield fault(f"{name}, whole in a message", messages_stream(text), outcome, MESSAGES_STREAMED)
    yield fault(
        f"{name}, in pieces in a message",
        messages_stream(*in_pieces(text)),
        outcome,
        MESSAGES_STREAMED,
    )
    yield fault(f"{name}, plain message", messages_whole(text), outcome, MESSAGES_PLAIN)


def _several() -> Iterator[Fault]:
    for name, (text, values) in SEVERAL.items():
        outcome = called(*(block("look", value) for value in values))
        yield from _ways_of(name, text, outcome)
    first, second = '{"at": 1}', '{"at": 2}'
    two = called(block("look", {"at": 1}), block("listen", {"to": 1}), block("look", {"at": 2}))
    late = [
        piece(0, "a", "look", first),
        piece(1, "b", "listen", '{"to": 1}'),
        *(piece(0, None, None, part) for part in in_pieces(second)),
    ]
    yield fault("a second object after another call", chat_stream(*late), two, CHAT_STREAMED)
    with_text = called(
        block("look", {"at": 1}), {"type": "text", "text": "And"}, block("look", {"at": 2})
    )
    around = [
        piece(0, "a", "look", first),
        chunk({"content": "And"}),
        piece(0, None, None, second),
    ]
    yield fault("a second object after text", chat_stream(*around), with_text, CHAT_STREAMED)
    many = "".join(f'{{"at": {n}}}' for n in range(1000))
    yield fault(
        "more objects than a model writes", chat_whole([("look", many)]), FAILED, CHAT_PLAIN
    )
    yield fault(
        "more objects than a model writes, in a message",
        messages_whole(many),
        FAILED,
        MESSAGES_PLAIN,
    )


def _hopeless() -> Iterator[Fault]:
    for name, text in HOPELESS.items():
        first = piece(0, "call_1", "look", "")
        rest = piece(0, None, None, text)
        # At once, it is seen before anything is delivered, so another attempt is made.
        yield fault(f"{name}, plain", chat_whole([("look", text)]), FAILED, CHAT_PLAIN)
        yield fault(f"{name}, plain message", messages_whole(text), FAILED, MESSAGES_PLAIN)
        yield fault(f"{name}, at once", chat_at_once(first, rest), FAILED, CHAT_STREAMED)
        yield fault(f"{name}, midway", chat_stream(first, wait, rest), BROKE_OFF, CHAT_STREAMED)
        yield fault(
            f"{name}, midway in a message",
            messages_stream("", wait, text),
            BROKE_OFF,
            MESSAGES_STREAMED,
        )
        yield fault(
            f"{name} after a good one, midway",
            chat_stream(piece(0, "a", "look", "{}"), wait, piece(1, "b", "listen", text)),
            BROKE_OFF,
            CHAT_STREAMED,
        )


def _once() -> Iterator[Fault]:
    """Another attempt is made, and the first one is not charged."""
    text, good = HOPELESS["cut"], '{"at": 1}'
    at = called(block("look", {"at": 1}))
    for play, ways in (
        (then(chat_whole([("look", text)]), chat_whole([("look", good)])), CHAT_PLAIN),
        (then(messages_whole(text), messages_whole(good)), MESSAGES_PLAIN),
        (
            then(
                chat_at_once(piece(0, "call_1", "look", text)),
                chat_stream(piece(0, "call_1", "look", good)),
            ),
            CHAT_STREAMED,
        ),
    ):
        once = fault(f"cut, once, {ways[0].wire.path}, {ways[0].stream}", play, at, ways)
        yield once._replace(needs_retry=True)


def _cut_by_the_limit() -> Iterator[Fault]:
    text = '{"at": "i'
    delivered = ANSWERED.with_content(
        {"type": "tool_use", "name": "look", "partial_json": text}, stop_reason="max_tokens"
    )
    left_out = ANSWERED.with_content({"type": "text", "text": ""}, stop_reason="max_tokens")
    whole = piece(0, "call_1", "look", text)
    yield fault("cut by the limit", chat_stream(whole, finish="length"), delivered, CHAT_STREAMED)
    yield fault(
        "cut by the limit in a message",
        messages_stream(text, reason="max_tokens"),
        delivered,
        MESSAGES_STREAMED,
    )
    yield fault(
        "cut by the limit, plain", chat_whole([("look", text)], "length"), left_out, CHAT_PLAIN
    )
    yield fault(
        "cut by the limit, plain message",
        messages_whole(text, "max_tokens"),
        left_out,
        MESSAGES_PLAIN,
    )
    kept = ANSWERED.with_content(block("look", {"at": 1}), stop_reason="max_tokens")
    yield fault(
        "the second one cut by the limit, plain",
        chat_whole([("look", '{"at": 1}'), ("listen", text)], "length"),
        kept,
        CHAT_PLAIN,
    )


def _second_cut_by_the_limit() -> Iterator[Fault]:
    """Several calls in one, of which the limit cuts the last."""
    text = '{"at": 1}{"at": "i'
    whole, cut = block("look", {"at": 1}), {"type": "tool_use", "name": "look"}
    delivered = ANSWERED.with_content(
        whole, cut | {"partial_json": '{"at": "i'}, stop_reason="max_tokens"
    )
    left_out = ANSWERED.with_content(whole, stop_reason="max_tokens")
    name = "a second object cut by the limit"
    yield fault(
        name,
        chat_stream(piece(0, "call_1", "look", text), finish="length"),
        delivered,
        CHAT_STREAMED,
    )
    yield fault(
        f"{name}, in a message",
        messages_stream(*in_pieces(text), reason="max_tokens"),
        delivered,
        MESSAGES_STREAMED,
    )
    yield fault(f"{name}, plain", chat_whole([("look", text)], "length"), left_out, CHAT_PLAIN)
    yield fault(
        f"{name}, plain message", messages_whole(text, "max_tokens"), left_out, MESSAGES_PLAIN
    )


def _made_up_names() -> Iterator[Fault]:
    """Names as models decorate them, and names that no tool has."""
    for made_up, name in MADE_UP.items():
        outcome = called(block(name, {"at": 1}))
        text = '{"at": 1}'
        whole, first, rest = (
            piece(0, "call_1", made_up, text),
            piece(0, "call_1", made_up, ""),
            piece(0, None, None, text),
        )
        yield fault(f"{made_up}, whole", chat_stream(whole), outcome, CHAT_STREAMED)
        yield fault(f"{made_up}, in pieces", chat_stream(first, rest), outcome, CHAT_STREAMED)
        yield fault(f"{made_up}, plain", chat_whole([(made_up, text)]), outcome, CHAT_PLAIN)
        yield fault(
            f"{made_up}, in a message",
            messages_stream(text, name=made_up),
            outcome,
            MESSAGES_STREAMED,
        )
        yield fault(
            f"{made_up}, plain message",
            messages_whole(text, name=made_up),
            outcome,
            MESSAGES_PLAIN,
        )


FAULTS = [
    *_parallel(),
    *_mended(),
    *_several(),
    *_hopeless(),
    *_once(),
    *_cut_by_the_limit(),
    *_second_cut_by_the_limit(),
    *_made_up_names(),
]
