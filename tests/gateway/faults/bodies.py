"""Bodies under a 200 that are not an answer, and some that are despite their form."""

import json
from collections.abc import Callable

from tests.gateway.faults.statuses import HTML, error
from tests.gateway.faults.table import (
    ANSWER_TEXT,
    ANSWERED,
    CHAT,
    COUNTED_BY_US,
    FAILED,
    MESSAGES,
    MESSAGES_ONLY,
    MESSAGES_PLAIN,
    OVERLOADED,
    PLAIN,
    REFUSED,
    TIMEOUT,
    Fault,
    Outcome,
    WireFormat,
    in_every_format,
)
from tests.support.replies import answers, message, streams
from tests.support.scripted_upstream import Play

NO_COUNTS = [
    ("null", None),
    ("empty", {}),
    ("of other names", {"tokens": 9}),
    ("that is a string", "usage"),
    ("negative", {"in": -1, "out": -5}),
    ("too large", {"in": 2**63, "out": 2**63}),
    ("fractional", {"in": 1.5, "out": 2.5}),
    ("in words", {"in": "many", "out": "more"}),
    ("in lists", {"in": [14], "out": [23]}),
    ("true", {"in": True, "out": True}),
    ("zero despite output", {"in": 0, "out": 0}),
]

# Events without content.
BETWEEN = {
    "empty data": b"data:\n\ndata: \n\n",
    "comments wrapped as data": b"data: : PROCESSING\n\n",
    "events with only a name": b"event: keepalive\n\n",
}


def _row(name: str, body: bytes, outcome: Outcome = FAILED) -> Fault:
    return Fault(name, in_every_format(answers(body)), outcome)


def counted(wire: WireFormat, counts: object) -> object:
    """The counts under the format's names."""
    names = {"in": "input_tokens", "out": "output_tokens"}
    if wire is CHAT:
        names = {"in": "prompt_tokens", "out": "completion_tokens"}
    if not isinstance(counts, dict):
        return counts
    return {names.get(name, name): count for name, count in counts.items()}


def reporting(counts: object) -> Callable[[WireFormat], Play]:
    """Send a valid answer with these counts."""
    return lambda wire: answers(wire.answer(usage=counted(wire, counts)))


def _other(wire: WireFormat) -> Play:
    return answers((CHAT if wire is MESSAGES else MESSAGES).answer())


FAULTS = [
    Fault("a page", in_every_format(answers(HTML, content_type="text/html")), FAILED),
    _row("a page that calls itself JSON", HTML),
    _row("nothing at all", b""),
    _row("white space", b" \r\n\t "),
    _row("megabytes of white space", b"\n" * 70_000_000),
    _row("NULs", b"\0" * 100),
    Fault("half of the JSON", lambda wire: answers(wire.answer()[:-20]), FAILED),
    Fault("the JSON twice", lambda wire: answers(wire.answer() * 2), FAILED),
    Fault(
        "broken UTF-8",
        lambda wire: answers(wire.answer().replace(b"Hello", b"\xff\xfe")),
        FAILED,
    ),
    Fault("cut UTF-8", lambda wire: answers(wire.answer().replace(b"Hello", b"\xf0\x9f")), FAILED),
    _row("nested too deeply", b'{"content":' + b"[" * 100_000),
    _row("null", b"null"),
    _row("a number", b"7"),
    _row("a list", b"[]"),
    _row("a string", b'"Hello"'),
    _row("an empty object", b"{}"),
    Fault(
        "a block whose type is not a string",
        in_every_format(
            answers(message(content=[{"type": ["text"]}, {"type": "text", "text": ANSWER_TEXT}]))
        ),
        ANSWERED,
        MESSAGES_ONLY,
    ),
    _row("text where a list should be", b'{"content": "Hello", "choices": "Hello"}'),
    _row("objects where a list should be", b'{"content": {}, "choices": {}}'),
    _row("null where a list should be", b'{"content": null, "choices": null}'),
    Fault("an answer in the other format", _other, FAILED),
    # An error under a 200 is mapped as under its own status, and without secrets.
    _row("an error", error("api_error"), FAILED),
    _row("an error: overloaded", error("overloaded_error"), OVERLOADED),
    _row("an error: rate limit", error("rate_limit_error"), OVERLOADED),
    _row("an error: timeout", error("timeout_error"), TIMEOUT),
    _row("an error: the request's fault", error("invalid_request_error", "too hot"), REFUSED),
    _row("an error: the request's fault, with secrets", error("invalid_request_error"), REFUSED),
    _row(
        "an error: the request's fault, with the insiders' name",
        error("invalid_request_error", "a-name-for-insiders takes no poems"),
        REFUSED,
    ),
    _row("an error: our credential's fault", error("authentication_error"), FAILED),
    _row("an error that is a string", b'{"error": "busy at 10.0.0.7"}', FAILED),
    _row("an error by its code", b'{"error": {"code": 503, "message": "Loading"}}', OVERLOADED),
    # LiteLLM.
    _row(
        "an error by its code, in quotes", b'{"error": {"code": "429", "message": ""}}', OVERLOADED
    ),
    _row(
        "an error: the request's fault, by its code in quotes",
        b'{"error": {"code": "400", "type": null, "message": "too hot"}}',
        REFUSED.saying("too hot"),
    ),
    Fault(
        "an error as text",
        in_every_format(answers(error("overloaded_error"), content_type="text/plain")),
        OVERLOADED,
    ),
    # A stream in answer to a non-streaming request.
    Fault("a stream that was not requested", lambda wire: streams(*wire.frames()), ANSWERED, PLAIN),
    Fault(
        "a stream that was not requested, as JSON",
        lambda wire: answers(b"".join(wire.frames())),
        ANSWERED,
        PLAIN,
    ),
    *(
        Fault(
            f"a stream that was not requested, with {name}",
            lambda wire, between=between: answers(  # type: ignore[misc]
                b"".join(wire.frames()).replace(b"\n\n", b"\n\n" + between),
                content_type="text/event-stream",
            ),
            ANSWERED,
            PLAIN,
        )
        for name, between in BETWEEN.items()
    ),
    Fault(
        "a stream that was not requested, without message_stop",
        lambda wire: streams(*wire.frames()[:-1]),
        ANSWERED,
        MESSAGES_PLAIN,
    ),
    Fault(
        "a stream that was not requested, with [DONE] as its end",
        lambda wire: streams(*wire.frames()[:-1], b"data: [DONE]\n\n"),
        ANSWERED,
        PLAIN,
    ),
    Fault(
        "a whole answer that calls itself events",
        lambda wire: answers(wire.answer(), content_type="text/event-stream"),
        ANSWERED,
        PLAIN,
    ),
    Fault(
        "a whole answer as the only event",
        lambda wire: streams(b"data: " + wire.answer() + b"\n\n"),
        ANSWERED,
        PLAIN,
    ),
    Fault(
        "a whole answer as the only event, and [DONE]",
        lambda wire: streams(b"data: " + wire.answer() + b"\n\ndata: [DONE]\n\n"),
        ANSWERED,
        PLAIN,
    ),
    Fault(
        "a stream that was not requested, after comments",
        lambda wire: streams(b": wait\n\n: wait\n\n", *wire.frames()),
        ANSWERED,
        PLAIN,
    ),
    Fault(
        "a stream that was not requested and breaks off",
        lambda wire: streams(*wire.beginning),
        FAILED,
        PLAIN,
    ),
    Fault(
        "an error in a stream that was not requested",
        lambda wire: streams(*wire.beginning, wire.in_band({"type": "overloaded_error"})),
        OVERLOADED,
        PLAIN,
    ),
    # Faults that the caller does not notice.
    Fault("a byte order mark", lambda wire: answers(b"\xef\xbb\xbf" + wire.answer()), ANSWERED),
    Fault(
        "UTF-16",
        lambda wire: answers(json.dumps(json.loads(wire.answer())).encode("utf-16")),
        ANSWERED,
    ),
    Fault("white space around", lambda wire: answers(b"\r\n " + wire.answer() + b"\n\n"), ANSWERED),
    Fault("no type", lambda wire: answers(wire.answer(), content_type=""), ANSWERED),
    Fault("a wrong type", lambda wire: answers(wire.answer(), content_type="text/html"), ANSWERED),
    # Impossible usage, which is replaced by an estimate.
    *(Fault(f"usage {name}", reporting(counts), COUNTED_BY_US) for name, counts in NO_COUNTS),
]
