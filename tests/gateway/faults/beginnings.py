"""Streams that begin and fail before any content: as a failure before the head, each is tried
again, unless the upstream refuses the request."""

from collections.abc import Callable, Iterator, Sequence

from tests.gateway.faults.connections import pause
from tests.gateway.faults.statuses import HTML
from tests.gateway.faults.streams import INSIDERS, error
from tests.gateway.faults.table import (
    ANSWERED,
    CHAT,
    CHAT_STREAMED,
    EMPTY,
    FAILED,
    MESSAGES_STREAMED,
    OVERLOADED,
    REFUSED,
    STREAMED,
    Fault,
    Outcome,
    Way,
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
    says,
    streams,
    then,
)
from tests.support.scripted_upstream import Play

Steps = Callable[[WireFormat], Sequence[Step]]


def start(wire: WireFormat) -> list[bytes]:
    """All that a server sends before it has a word."""
    return wire.frames()[:1] if wire is CHAT else [*wire.frames()[:2], event("ping")]


# What the upstream sends as bytes, so that it can be one read with what is before it.
BYTES: dict[str, tuple[Callable[[WireFormat], bytes], Outcome, tuple[Way, ...]]] = {
    "an error": (lambda wire: wire.in_band(error("api_error")), FAILED, STREAMED),
    "overload": (lambda wire: wire.in_band(error("overloaded_error")), OVERLOADED, STREAMED),
    "an error of the other format": (
        lambda wire: data_event({"error": error("overloaded_error")}),
        OVERLOADED,
        STREAMED,
    ),
    "JSON that is cut": (lambda wire: wire.word("more")[:-9] + b"\n\n", FAILED, STREAMED),
    "a list": (lambda wire: b"data: []\n\n", FAILED, STREAMED),
    "NULs": (lambda wire: b"data: \0\0\n\n", FAILED, STREAMED),
    "a reason that is an error": (
        lambda wire: chunk({}, finish_reason="error"),
        FAILED,
        CHAT_STREAMED,
    ),
    "a call that is none": (
        lambda wire: chunk({}, finish_reason="MALFORMED_FUNCTION_CALL"),
        FAILED,
        CHAT_STREAMED,
    ),
}
ENDS: dict[str, Steps] = {
    "an end": lambda wire: [],
    "a page": lambda wire: [HTML + b"\n\n"],
    "a cut": lambda wire: [cut],
    "a reset": lambda wire: [reset],
    "a half-close": lambda wire: [half_close],
    "a cut within an event": lambda wire: [wire.word("more")[:40], cut],
}


def _places(last: Callable[[WireFormat], bytes]) -> dict[str, Steps]:
    """Where bytes can stand."""
    return {
        "first": lambda wire: [last(wire)],
        "with the start": lambda wire: [b"".join([*start(wire), last(wire)])],
        "after the start": lambda wire: [*start(wire), pause, last(wire)],
        "with the first word": lambda wire: [b"".join([*wire.beginning, last(wire)])],
    }


def _faults(name: str, steps: Steps, outcome: Outcome, ways: tuple[Way, ...]) -> Iterator[Fault]:
    """Once, and then an answer; and each time."""
    name_once = f"before any content: {name}, once"
    yield Fault(name_once, _once(steps), ANSWERED, ways, needs_retry=True)
    yield Fault(f"before any content: {name}", lambda wire: streams(*steps(wire)), outcome, ways)


def _once(steps: Steps) -> Callable[[WireFormat], Play]:
    return lambda wire: then(streams(*steps(wire)), says())


def _after_the_start(end: Steps) -> Steps:
    return lambda wire: [*start(wire), pause, *end(wire)]


def _all() -> Iterator[Fault]:
    for name, (last, outcome, ways) in BYTES.items():
        for place, steps in _places(last).items():
            yield from _faults(f"{name}, {place}", steps, outcome, ways)
    for name, end in ENDS.items():
        yield from _faults(f"{name}, after the start", _after_the_start(end), FAILED, STREAMED)


def _refusals() -> Iterator[Fault]:
    """Another attempt would find the same, so none is made."""
    refusal = _places(lambda wire: wire.in_band(error("invalid_request_error", INSIDERS)))
    for place, steps in refusal.items():
        yield Fault(f"before any content: a refusal, {place}", _once(steps), REFUSED, STREAMED)


# Nothing for something is tried twice in all, whatever came before its end.
_NOTHING = streams(*start(CHAT), pause, *CHAT.frames()[-3:])

FAULTS = [
    *_all(),
    *_refusals(),
    Fault(
        "before any content: nothing for something, once",
        lambda wire: then(_NOTHING, says()),
        ANSWERED,
        CHAT_STREAMED,
        needs_retry=True,
    ),
    Fault(
        "before any content: nothing for something",
        in_every_format(_NOTHING),
        EMPTY,
        CHAT_STREAMED,
    ),
    Fault(
        "before any content: only a start and pings",
        in_every_format(streams(*start(MESSAGES_STREAMED[0].wire), event("ping") * 5)),
        FAILED,
        MESSAGES_STREAMED,
    ),
]
