"""Streams that break off: before any content, at every boundary between events, and within one."""

import asyncio
from collections.abc import Callable, Iterator, Sequence

from tests.gateway.faults.statuses import HTML
from tests.gateway.faults.table import (
    ANSWERED,
    BROKE_OFF,
    BROKE_OFF_OVERLOADED,
    BROKE_OFF_REFUSED,
    BROKE_OFF_TIMEOUT,
    CHAT,
    CHAT_STREAMED,
    COUNTED_BY_US,
    FAILED,
    MESSAGES,
    MESSAGES_STREAMED,
    OVERLOADED,
    REFUSED,
    SECRETS,
    STREAMED,
    TIMEOUT,
    Fault,
    Outcome,
    WireFormat,
    in_every_format,
)
from tests.support.replies import (
    Step,
    chunk,
    cut,
    data_event,
    event,
    half_close,
    reset,
    silence,
    streams,
    usage,
    wait,
)
from tests.support.scripted_upstream import Exchange, Play

# Where a stream breaks off: the first event that is missing.
BOUNDARIES = {
    MESSAGES_STREAMED: [
        "the block's start",
        "the first delta",
        "the second delta",
        "the block's stop",
        "message_delta",
        "message_stop",
    ],
    CHAT_STREAMED: ["the first delta", "the second delta", "the reason", "the usage", "[DONE]"],
}
WAYS_TO_BREAK: dict[str, list[Step]] = {
    "cut": [cut],
    "reset": [reset],
    "half-closed": [half_close],
    "ended": [],
    "silent": [silence],
}


def midway(steps: Callable[[WireFormat], Sequence[Step]]) -> Callable[[WireFormat], Play]:
    """Send a valid beginning up to the first word; once that has arrived, continue with these."""
    return lambda wire: streams(*wire.beginning, wait, *steps(wire))


def nothing_but(steps: Callable[[WireFormat], Sequence[Step]]) -> Callable[[WireFormat], Play]:
    """Send only these."""
    return lambda wire: streams(*steps(wire))


def _breaks() -> Iterator[Fault]:
    for ways, missing in BOUNDARIES.items():
        wire = ways[0].wire
        for at, name in enumerate(missing, start=1):
            for way, steps in WAYS_TO_BREAK.items():
                is_begun = at >= wire.first_frames
                pauses = [wait] if is_begun else []
                proper = streams(*wire.frames()[:at], *pauses, *steps)
                outcome = _outcome(wire, at, way, missing=name)
                yield Fault(
                    f"{way} before {name} of {wire.path}", in_every_format(proper), outcome, ways
                )


def _outcome(wire: WireFormat, at: int, way: str, *, missing: str) -> Outcome:
    """A stream may end without its last event once it has said why it ends. Before the first word
    it has not begun."""
    if at < wire.first_frames:
        return TIMEOUT if way == "silent" else FAILED
    if way == "silent":
        return BROKE_OFF_TIMEOUT
    if wire is CHAT and way == "ended" and at >= 4:
        return ANSWERED if at == 5 else COUNTED_BY_US
    if wire is MESSAGES and way == "ended" and missing == "message_stop":
        return ANSWERED
    return BROKE_OFF


async def dawdle(exchange: Exchange) -> None:
    """Send comments without end, never idle for long."""
    while True:
        await exchange.chunk(b": still here\n\n")
        await asyncio.sleep(0.2)


async def chatter(exchange: Exchange, word: bytes) -> None:
    while True:
        await exchange.chunk(word)
        await asyncio.sleep(0.2)


async def mischunked(exchange: Exchange) -> None:
    await exchange.send(b"zz\r\n")


def without_end(wire: WireFormat) -> list[Step]:
    return [lambda exchange: chatter(exchange, wire.word(" and"))]


def error(kind: str, words: str = SECRETS) -> dict[str, str]:
    return {"type": kind, "message": words}


INSIDERS = "a-name-for-insiders takes no poems"

FAULTS = [
    # Before any content: the caller receives an error status.
    Fault("a stream of nothing", nothing_but(lambda wire: []), FAILED, STREAMED),
    Fault("a stream of silence", nothing_but(lambda wire: [silence]), TIMEOUT, STREAMED),
    Fault("a stream of comments", nothing_but(lambda wire: [b": hello\n\n" * 3]), FAILED, STREAMED),
    Fault("comments without end", nothing_but(lambda wire: [dawdle]), TIMEOUT, STREAMED),
    Fault(
        "a stream of pings",
        nothing_but(lambda wire: [event("ping") * 3]),
        FAILED,
        MESSAGES_STREAMED,
    ),
    Fault("half-closed before anything", nothing_but(lambda wire: [half_close]), FAILED, STREAMED),
    Fault("reset before anything", nothing_but(lambda wire: [reset]), FAILED, STREAMED),
    Fault("a page as events", nothing_but(lambda wire: [HTML]), FAILED, STREAMED),
    Fault("NULs as events", nothing_but(lambda wire: [b"\0" * 1000]), FAILED, STREAMED),
    Fault("the end first", nothing_but(lambda wire: [b"data: [DONE]\n\n"]), FAILED, STREAMED),
    Fault(
        "a line without end",
        nothing_but(lambda wire: [b"a" * 17_000_000, silence]),
        FAILED,
        STREAMED,
    ),
    Fault(
        "an event without end",
        nothing_but(lambda wire: [b"data: a\n" * 2_500_000, silence]),
        FAILED,
        STREAMED,
    ),
    Fault(
        "a first event that is not an object",
        nothing_but(lambda wire: [b"data: []\n\n"]),
        FAILED,
        STREAMED,
    ),
    Fault(
        "a first event that is not JSON",
        nothing_but(lambda wire: [b"data: {oops\n\n"]),
        FAILED,
        STREAMED,
    ),
    Fault(
        "an error first",
        nothing_but(lambda wire: [wire.in_band(error("api_error"))]),
        FAILED,
        STREAMED,
    ),
    Fault(
        "overload first",
        nothing_but(lambda wire: [wire.in_band(error("overloaded_error"))]),
        OVERLOADED,
        STREAMED,
    ),
    Fault(
        "a refusal first",
        nothing_but(lambda wire: [wire.in_band(error("invalid_request_error", INSIDERS))]),
        REFUSED,
        STREAMED,
    ),
    Fault(
        "events in the other format",
        lambda wire: streams(*(CHAT if wire is MESSAGES else MESSAGES).frames()),
        FAILED,
        STREAMED,
    ),
    # At every boundary between two events.
    *_breaks(),
    # Within an event, or by the content of an event.
    Fault(
        "cut within an event",
        midway(lambda wire: [wire.word("more")[:40], cut]),
        BROKE_OFF,
        STREAMED,
    ),
    Fault(
        "reset within an event",
        midway(lambda wire: [wire.word("more")[:40], reset]),
        BROKE_OFF,
        STREAMED,
    ),
    Fault(
        "ended within an event", midway(lambda wire: [wire.word("more")[:40]]), BROKE_OFF, STREAMED
    ),
    Fault(
        "silent within an event",
        midway(lambda wire: [wire.word("more")[:40], silence]),
        BROKE_OFF_TIMEOUT,
        STREAMED,
    ),
    Fault(
        "cut within a character",
        midway(lambda wire: [wire.word("~").partition(b"~")[0] + b"\xf0\x9f", cut]),
        BROKE_OFF,
        STREAMED,
    ),
    Fault(
        "a cut character in a whole event",
        midway(lambda wire: [wire.word("~").replace(b"~", b"\xf0\x9f")]),
        BROKE_OFF,
        STREAMED,
    ),
    Fault("words without end", midway(without_end), BROKE_OFF_TIMEOUT, STREAMED),
    Fault(
        "too large an event",
        midway(lambda wire: [b"data: ", b"a" * 17_000_000, silence]),
        BROKE_OFF,
        STREAMED,
    ),
    Fault(
        "an event that is not JSON, midway",
        midway(lambda wire: [b"data: {oops\n\n"]),
        BROKE_OFF,
        STREAMED,
    ),
    Fault(
        "an event that is not an object, midway",
        midway(lambda wire: [b"data: []\n\n"]),
        BROKE_OFF,
        STREAMED,
    ),
    Fault("NULs in an event", midway(lambda wire: [b"data: \0\0\n\n"]), BROKE_OFF, STREAMED),
    Fault("a page, midway", midway(lambda wire: [HTML + b"\n\n"]), BROKE_OFF, STREAMED),
    Fault(
        "another head",
        midway(lambda wire: [b"HTTP/1.1 500 Oops\r\n\r\n", cut]),
        BROKE_OFF,
        STREAMED,
    ),
    Fault("a chunk without a size", midway(lambda wire: [mischunked]), BROKE_OFF, STREAMED),
    Fault(
        "an error, midway",
        midway(lambda wire: [wire.in_band(error("api_error"))]),
        BROKE_OFF,
        STREAMED,
    ),
    Fault(
        "an error: overloaded, midway",
        midway(lambda wire: [wire.in_band(error("overloaded_error"))]),
        BROKE_OFF_OVERLOADED,
        STREAMED,
    ),
    Fault(
        "an error without an event name, midway",
        midway(lambda wire: [data_event({"error": error("overloaded_error")})]),
        BROKE_OFF_OVERLOADED,
        STREAMED,
    ),
    Fault(
        "an error: timeout, midway",
        midway(lambda wire: [wire.in_band(error("timeout_error"))]),
        BROKE_OFF_TIMEOUT,
        STREAMED,
    ),
    Fault(
        "an error: the insiders' name",
        midway(lambda wire: [wire.in_band(error("invalid_request_error", INSIDERS))]),
        BROKE_OFF_REFUSED,
        STREAMED,
    ),
    Fault(
        "an error of no known kind",
        midway(lambda wire: [wire.in_band(error("x"))]),
        BROKE_OFF,
        STREAMED,
    ),
    Fault(
        "an error that is a string, midway",
        midway(lambda wire: [wire.in_band(SECRETS)]),
        BROKE_OFF,
        STREAMED,
    ),
    Fault(
        "an error event without an error",
        midway(lambda wire: [event("error", error=None)]),
        BROKE_OFF,
        MESSAGES_STREAMED,
    ),
    Fault(
        "an error, then the rest",
        midway(lambda wire: [wire.in_band(error("api_error")), *wire.rest]),
        BROKE_OFF,
        STREAMED,
    ),
    Fault(
        "a finish reason that is an error",
        midway(lambda wire: [chunk({}, finish_reason="error")]),
        BROKE_OFF,
        CHAT_STREAMED,
    ),
    Fault(
        "neither message_stop nor a stop reason",
        midway(lambda wire: [*wire.rest[:-2], event("message_delta", delta={}, usage=usage())]),
        BROKE_OFF,
        MESSAGES_STREAMED,
    ),
]
