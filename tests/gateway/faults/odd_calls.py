"""Tool calls that lack a part or have an odd one: inputs that no call has, calls without a name,
values where the JSON of an input belongs, marks and endings that say something else."""

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
)
from tests.gateway.faults.tool_calls import (
    DONE,
    ROLE,
    TOOLS,
    USAGE,
    block,
    called,
    chat_at_once,
    chat_stream,
    chat_whole,
    fault,
    in_pieces,
    messages_stream,
    messages_whole,
    piece,
)
from tests.support.replies import chunk, event, streams, text_event, wait

AT = called(block("look", {"at": 1}))
TEXT = '{"at": 1}'


def _values() -> Iterator[Fault]:
    for odd in (5, True, ["it"]):
        play = chat_at_once(piece(0, "call_1", "look", odd))
        yield fault(f"an input of {odd}, at once", play, FAILED, CHAT_STREAMED)
        yield fault(f"an input of {odd}, plain", chat_whole([("look", odd)]), FAILED, CHAT_PLAIN)
        play = messages_stream(wait, _delta(0, odd))
        yield fault(f"an input of {odd}, in a message", play, BROKE_OFF, MESSAGES_STREAMED)
        play = messages_whole(odd)
        yield fault(f"an input of {odd}, plain message", play, FAILED, MESSAGES_PLAIN)
    play = messages_stream(_delta(0, {"at": 1}))
    yield fault("a value in the place of JSON", play, AT, MESSAGES_STREAMED)


def _numbers() -> Iterator[Fault]:
    """Inputs under numbers that are not those of their calls."""
    apart = [  # a proxy that looks the call up under another id
        piece(0, "call_1", "look", ""),
        *(piece(1, None, "", part) for part in in_pieces(TEXT)),
        piece(2, "call_2", "listen", ""),
        piece(3, None, "", '{"to": 2}'),
    ]
    two = called(block("look", {"at": 1}), block("listen", {"to": 2}))
    yield fault("arguments under a number of their own", chat_stream(*apart), two, CHAT_STREAMED)
    for index in (1, 7, None):
        play = messages_stream(_delta(index, TEXT))
        yield fault(f"an input under index {index}", play, AT, MESSAGES_STREAMED)
    stop = event("content_block_stop", index=0)
    play = messages_stream(wait, stop, _delta(3, TEXT))
    yield fault("an input after the end of its call", play, BROKE_OFF, MESSAGES_STREAMED)
    opening = {"type": "tool_use", "id": "toolu_2", "name": "", "input": {}}
    nameless = event("content_block_start", index=1, content_block=opening)
    play = messages_stream(wait, TEXT, nameless, _delta(1, '{"to": 2}'))
    yield fault("an input of a call without a name", play, BROKE_OFF, MESSAGES_STREAMED)


def _names() -> Iterator[Fault]:
    for nobody in ("", None):
        play = chat_stream(piece(0, "call_1", nobody, TEXT))
        yield fault(f"a call named {nobody!r}", play, FAILED, CHAT_STREAMED)
        play = chat_whole([(nobody, TEXT)])
        yield fault(f"a call named {nobody!r}, plain", play, FAILED, CHAT_PLAIN)
        play = messages_stream(TEXT, name=nobody)
        yield fault(f"a call named {nobody!r}, in a message", play, FAILED, MESSAGES_STREAMED)
        play = messages_whole(TEXT, name=nobody)
        yield fault(f"a call named {nobody!r}, plain message", play, FAILED, MESSAGES_PLAIN)


def _delta(index: Any, fragment: Any) -> bytes:
    delta = {"type": "input_json_delta", "partial_json": fragment}
    return event("content_block_delta", index=index, delta=delta)


def _marks() -> Iterator[Fault]:
    """Of calls and their fragments, as servers set them."""
    first, second = '{"at": 1}', '{"at": 2}'
    twice = called(block("look", {"at": 1}), block("look", {"at": 2}))
    for name, calls in {
        "an id with the name alone": [  # vLLM
            piece(0, "call_1", "look", ""),
            piece(0, "", None, first),
            piece(0, "call_2", "look", ""),
            piece(0, "", None, second),
        ],
        "an id in each fragment": [  # SGLang
            piece(0, "0", "look", ""),
            piece(0, "0", None, first),
            piece(0, "1", "look", ""),
            piece(0, "1", None, second),
        ],
    }.items():
        yield fault(f"one number, {name}", chat_stream(*calls), twice, CHAT_STREAMED)
    null_first = [piece(0, "call_1", "look", None), piece(0, None, None, TEXT)]
    yield fault("arguments of null first", chat_stream(*null_first), AT, CHAT_STREAMED)
    unnamed = [piece(0, "call_1", "look", '{"at"'), piece(0, "", "", ": 1}")]  # LM Studio
    yield fault("no name in later fragments", chat_stream(*unnamed), AT, CHAT_STREAMED)
    unnumbered = [piece(None, "call_1", "look", '{"at"'), piece(None, None, None, ": 1}")]
    yield fault("no number and one id", chat_stream(*unnumbered), AT, CHAT_STREAMED)  # Gemini
    newline = called(block("look", {"at": 1}), {"type": "text", "text": "\n"})
    play = messages_stream(TEXT, text_event("\n"))  # SGLang
    yield fault("text under the number of a call", play, newline, MESSAGES_STREAMED)


def _endings() -> Iterator[Fault]:
    last = chunk({"tool_calls": [piece(0, None, None, ": 1}")]}, finish_reason="tool_calls")
    begun = chunk({"tool_calls": [piece(0, "call_1", "look", '{"at"')]})
    play = streams(ROLE, begun, last, USAGE, DONE)
    yield fault("the reason with the last fragment", play, AT, CHAT_STREAMED)
    play = chat_stream(piece(0, "call_1", "look", TEXT), finish="stop")  # Gemini
    yield fault("a reason of stop", play, AT, CHAT_STREAMED)
    yield fault("a reason of stop, plain", chat_whole([("look", TEXT)], "stop"), AT, CHAT_PLAIN)
    play = streams(ROLE, chunk({"tool_calls": [piece(0, "call_1", "look", TEXT)]}), USAGE, DONE)
    yield fault("no reason", play, AT, CHAT_STREAMED)  # xAI
    yield fault("no reason, plain", chat_whole([("look", TEXT)], ""), AT, CHAT_PLAIN)
    cut = '{"at": "i'
    delivered = ANSWERED.with_content(
        {"type": "tool_use", "name": "look", "partial_json": cut}, stop_reason="max_tokens"
    )
    for reason in ("tool_calls", "stop"):  # vLLM; the whole output is 23 tokens
        play = chat_stream(piece(0, "call_1", "look", cut), finish=reason)
        row = fault(f"cut by the limit, with {reason}", play, delivered, CHAT_STREAMED)
        yield row._replace(fields=TOOLS | {"max_tokens": 23})


FAULTS = [*_values(), *_numbers(), *_names(), *_marks(), *_endings()]
