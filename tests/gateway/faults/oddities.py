"""Streams that are irregular but complete: the caller receives a valid answer."""

from collections.abc import Callable
from typing import Any

from tests.gateway.faults.bodies import NO_COUNTS, counted
from tests.gateway.faults.table import (
    ANSWERED,
    CHAT_STREAMED,
    COUNTED_BY_US,
    MESSAGES_STREAMED,
    STREAMED,
    Fault,
    WireFormat,
)
from tests.support.replies import (
    answers,
    chunks,
    completion,
    event,
    events,
    streams,
    text_event,
    usage,
)
from tests.support.scripted_upstream import Exchange, Play

BIG = "a" * 10_000_000
START, OPEN, HELLO, THERE, CLOSE, DELTA, STOP = events()
DONE = b"data: [DONE]\n\n"
NO_ENDING = {"stop_reason": None, "stop_sequence": None}


def rewritten(rewrite: Callable[[bytes], bytes]) -> Callable[[WireFormat], Play]:
    """Send the whole stream, rewritten."""
    return lambda wire: streams(rewrite(b"".join(wire.frames())))


def trickled(wire: WireFormat) -> Play:
    """Send one byte at a time."""

    async def trickle(exchange: Exchange) -> None:
        for byte in b"".join(wire.frames()):
            await exchange.chunk(bytes([byte]))

    return streams(trickle)


def typed(content_type: str) -> Callable[[WireFormat], Play]:
    """Send the stream as one body with a content-length."""
    return lambda wire: answers(b"".join(wire.frames()), content_type=content_type)


def opened(index: Any) -> bytes:
    return event("content_block_start", index=index, content_block={"type": "text", "text": ""})


def closed(index: Any) -> bytes:
    return event("content_block_stop", index=index)


def thought(index: int) -> bytes:
    delta = {"type": "thinking_delta", "thinking": "Hm."}
    return event("content_block_delta", index=index, delta=delta)


def reporting(counts: dict[str, Any]) -> bytes:
    return event("message_delta", delta=NO_ENDING, usage=counts)


def _with_usage(counts: Any) -> Callable[[WireFormat], Play]:
    def play(wire: WireFormat) -> Play:
        report = counted(wire, counts)
        if wire.model == "scripted/chat":
            return streams(*wire.frames(token_usage=report))
        return streams(*wire.frames(start_usage=report, end_usage=report))

    return play


def _messages(name: str, *frames: bytes, outcome: Any = ANSWERED) -> Fault:
    async def play(exchange: Exchange) -> None:
        await streams(*frames)(exchange)

    return Fault(name, lambda wire: play, outcome, MESSAGES_STREAMED)


FAULTS = [
    # As bytes.
    Fault("byte by byte", trickled, ANSWERED, STREAMED),
    Fault("all at once, with a length", typed("text/event-stream"), ANSWERED, STREAMED),
    Fault("events that call themselves text", typed("text/plain"), ANSWERED, STREAMED),
    Fault("events that call themselves JSON", typed("application/json"), ANSWERED, STREAMED),
    Fault("events without a type", typed(""), ANSWERED, STREAMED),
    Fault("a type in capitals", typed("Text/Event-Stream;Charset=UTF-8"), ANSWERED, STREAMED),
    Fault(
        "lines ended by CRLF",
        rewritten(lambda raw: raw.replace(b"\n", b"\r\n")),
        ANSWERED,
        STREAMED,
    ),
    Fault(
        "lines ended by CR", rewritten(lambda raw: raw.replace(b"\n", b"\r")), ANSWERED, STREAMED
    ),
    Fault(
        "a byte order mark first", rewritten(lambda raw: b"\xef\xbb\xbf" + raw), ANSWERED, STREAMED
    ),
    Fault(
        "no space after the colon",
        rewritten(lambda raw: raw.replace(b": {", b":{")),
        ANSWERED,
        STREAMED,
    ),
    Fault(
        "padded JSON", rewritten(lambda raw: raw.replace(b"}\n\n", b"}   \n\n")), ANSWERED, STREAMED
    ),
    Fault(
        "JSON over several lines",
        rewritten(lambda raw: raw.replace(b', "', b'\ndata: , "')),
        ANSWERED,
        STREAMED,
    ),
    Fault(
        "empty events between",
        rewritten(lambda raw: raw.replace(b"\n\n", b"\n\n\n\n\n")),
        ANSWERED,
        STREAMED,
    ),
    Fault(
        "comments between",
        rewritten(lambda raw: raw.replace(b"\n\n", b"\n: hm\n\n")),
        ANSWERED,
        STREAMED,
    ),
    Fault(
        "ids and retry times", rewritten(lambda raw: b"retry: 1\nid: 7\n" + raw), ANSWERED, STREAMED
    ),
    Fault("no empty line at the end", rewritten(lambda raw: raw.rstrip(b"\n")), ANSWERED, STREAMED),
    Fault(
        "an event of ten megabytes",
        lambda wire: streams(*wire.frames(BIG)),
        ANSWERED.with_text(BIG),
        STREAMED,
        is_long=True,
    ),
    # Events without content, and answers in one piece.
    Fault(
        "empty data between",
        rewritten(lambda raw: raw.replace(b"\n\n", b"\n\ndata:\n\ndata: \n\n")),
        ANSWERED,
        STREAMED,
    ),
    Fault(
        "comments wrapped as data",
        rewritten(lambda raw: raw.replace(b"\n\n", b"\n\ndata: : PROCESSING\n\n")),
        ANSWERED,
        STREAMED,
    ),
    Fault(
        "a comment wrapped as data first",
        lambda wire: streams(b"data: : PROCESSING\n\n", *wire.frames()),
        ANSWERED,
        STREAMED,
    ),
    Fault(
        "events with only a name between",
        rewritten(lambda raw: raw.replace(b"\n\n", b"\n\nevent: keepalive\n\n")),
        ANSWERED,
        STREAMED,
    ),
    Fault("an answer as events", lambda wire: streams(wire.answer()), ANSWERED, STREAMED),
    Fault(
        "an answer as events, typed so and with a length",
        lambda wire: answers(wire.answer(), content_type="text/event-stream"),
        ANSWERED,
        STREAMED,
    ),
    Fault(
        "a whole answer in one event",
        lambda wire: streams(b"data: " + wire.answer() + b"\n\n"),
        ANSWERED,
        STREAMED,
    ),
    Fault(
        "a whole answer in one event, and [DONE]",
        lambda wire: streams(b"data: " + wire.answer() + b"\n\ndata: [DONE]\n\n"),
        ANSWERED,
        STREAMED,
    ),
    Fault(
        "the whole answer again after its deltas",
        lambda wire: streams(*chunks()[:4], b"data: " + completion() + b"\n\n", *chunks()[4:]),
        ANSWERED,
        CHAT_STREAMED,
    ),
    # Events of the Messages format: missing, doubled, unknown, numbered badly.
    _messages(
        "a flood of pings", START, event("ping") * 500, OPEN, HELLO, THERE, CLOSE, DELTA, STOP
    ),
    _messages(
        "unrecognised events",
        START,
        event("credits", spent=1),
        OPEN,
        HELLO,
        event("x"),
        THERE,
        CLOSE,
        DELTA,
        STOP,
    ),
    _messages(
        "a block without a type",
        START,
        event("content_block_start", index=0, content_block={}),
        HELLO,
        THERE,
        CLOSE,
        DELTA,
        STOP,
    ),
    _messages("two starts", START, START, OPEN, HELLO, THERE, CLOSE, DELTA, STOP),
    _messages("a start in the middle", START, OPEN, HELLO, START, THERE, CLOSE, DELTA, STOP),
    _messages("two deltas", START, OPEN, HELLO, THERE, CLOSE, DELTA, DELTA, STOP),
    _messages("two ends", START, OPEN, HELLO, THERE, CLOSE, DELTA, STOP, DELTA, STOP),
    _messages(
        "words after the end", START, OPEN, HELLO, THERE, CLOSE, DELTA, STOP, OPEN, HELLO, CLOSE
    ),
    _messages(
        "an error after the end",
        START,
        OPEN,
        HELLO,
        THERE,
        CLOSE,
        DELTA,
        STOP,
        event("error", error={}),
    ),
    _messages(
        "[DONE] at the end", START, OPEN, HELLO, THERE, CLOSE, DELTA, STOP, b"data: [DONE]\n\n"
    ),
    _messages("[DONE] instead of the end", START, OPEN, HELLO, THERE, CLOSE, DELTA, DONE),
    _messages("no message_stop", START, OPEN, HELLO, THERE, CLOSE, DELTA),
    _messages("no block's start", START, HELLO, THERE, CLOSE, DELTA, STOP),
    _messages("no block's stop", START, OPEN, HELLO, THERE, DELTA, STOP),
    _messages("a stop without a block", START, closed(3), OPEN, HELLO, THERE, CLOSE, DELTA, STOP),
    _messages(
        "a gap between indexes",
        START,
        opened(4),
        text_event("Hello", 4),
        closed(4),
        opened(9),
        text_event(" there", 9),
        closed(9),
        DELTA,
        STOP,
    ),
    _messages(
        "one index for two blocks", START, OPEN, HELLO, CLOSE, OPEN, THERE, CLOSE, DELTA, STOP
    ),
    _messages(
        "blocks that overlap",
        START,
        OPEN,
        opened(1),
        HELLO,
        text_event(" there", 1),
        CLOSE,
        closed(1),
        DELTA,
        STOP,
    ),
    _messages(
        "an index that is not a number",
        START,
        opened("a"),
        text_event("Hello"),
        THERE,
        closed("a"),
        DELTA,
        STOP,
    ),
    _messages(
        "an unrecognised block type",
        START,
        event("content_block_start", index=0, content_block={"type": "x"}),
        closed(0),
        opened(1),
        text_event("Hello there", 1),
        closed(1),
        DELTA,
        STOP,
    ),
    _messages(
        "a streamed block whose type is not a string",
        START,
        event("content_block_start", index=0, content_block={"type": ["text"]}),
        closed(0),
        opened(1),
        text_event("Hello there", 1),
        closed(1),
        DELTA,
        STOP,
    ),
    _messages(
        "no start",
        OPEN,
        HELLO,
        THERE,
        CLOSE,
        event("message_delta", delta=NO_ENDING, usage=usage()),
        STOP,
    ),
    # The llama.cpp server loses the start, and with it the input count, when its first token is
    # half a character.
    _messages(
        "no start, and no input count",
        OPEN,
        HELLO,
        THERE,
        CLOSE,
        event("message_delta", delta=NO_ENDING, usage={"output_tokens": 23}),
        STOP,
        outcome=COUNTED_BY_US,
    ),
    _messages(  # LiteLLM
        "thinking under the index of a text",
        START,
        START,
        OPEN,
        thought(0),
        HELLO,
        THERE,
        CLOSE,
        DELTA,
        STOP,
        outcome=ANSWERED.with_content(
            {"type": "text", "text": ""},
            {"type": "thinking", "thinking": "Hm."},
            {"type": "text", "text": "Hello there"},
        ),
    ),
    _messages(  # Ollama
        "thinking at the index of a text that has not stopped",
        START,
        OPEN,
        HELLO,
        event("content_block_start", index=0, content_block={"type": "thinking", "thinking": ""}),
        thought(0),
        CLOSE,
        opened(1),
        text_event(" there", 1),
        closed(1),
        DELTA,
        STOP,
        outcome=ANSWERED.with_content(
            {"type": "text", "text": "Hello"},
            {"type": "thinking", "thinking": "Hm."},
            {"type": "text", "text": " there"},
        ),
    ),
    _messages("no message_delta", START, OPEN, HELLO, THERE, CLOSE, STOP, outcome=COUNTED_BY_US),
    _messages(
        "usage that shrinks", START, OPEN, HELLO, THERE, CLOSE, DELTA, reporting(usage(2, 3)), STOP
    ),
    _messages(
        "usage that turns negative",
        START,
        OPEN,
        HELLO,
        THERE,
        CLOSE,
        DELTA,
        reporting(usage(-2, -3)),
        STOP,
    ),
    # Impossible usage.
    *(
        Fault(f"a stream's usage {name}", _with_usage(counts), COUNTED_BY_US, STREAMED)
        for name, counts in NO_COUNTS
    ),
]
