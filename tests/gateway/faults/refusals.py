"""Prompts that are too long, by a status, inside a success, and midway in a stream."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from tests.gateway.faults.long_prompts import TOO_LONG, Numbers
from tests.gateway.faults.table import (
    BROKE_OFF_REFUSED,
    REFUSED,
    STREAMED,
    TOO_LARGE,
    Fault,
    Outcome,
    WireFormat,
    in_every_format,
)
from tests.support.replies import answers, streams, wait
from tests.support.scripted_upstream import Play

_CONTEXT = 200_000  # of the scripted models in the catalogue


def _wording(expected: Numbers) -> str:
    if expected is None:
        return f"prompt is too long: {_CONTEXT + 1} tokens > {_CONTEXT} maximum"
    if len(expected) == 2:
        return f"prompt is too long: {expected[0]} tokens > {expected[1]} maximum"
    sent, output, limit = expected
    return (
        f"input length and `max_tokens` exceed context limit: {sent} + {output} > {limit}, "
        "decrease input length or `max_tokens` and try again"
    )


def _too_long() -> Iterator[Fault]:
    for row in TOO_LONG:
        outcome = REFUSED.saying(_wording(row.expected))
        body = json.dumps(row.body).encode()
        yield _fault(f"too long: {row.server}", answers(body, status=row.status), outcome)
        error = row.body[0] if isinstance(row.body, list) else row.body
        inside = error if "error" in error else {"error": error}
        yield Fault(
            f"too long, inside a success: {row.server}",
            in_every_format(answers(json.dumps(inside).encode())),
            outcome,
        )
        yield Fault(
            f"too long, midway: {row.server}",
            midway(inside["error"]),
            BROKE_OFF_REFUSED.saying(_wording(row.expected)),
            STREAMED,
        )


def midway(error: Any) -> Callable[[WireFormat], Play]:
    """Send a valid beginning up to the first word, and then the error."""
    return lambda wire: streams(*wire.beginning, wait, wire.in_band(error))


def _fault(name: str, play: Any, outcome: Outcome) -> Fault:
    return Fault(name, in_every_format(play), outcome)


FAULTS = [
    *_too_long(),
    _fault(
        "a body that the upstream finds too large",
        answers(b'{"error": {"message": "Request too large"}}', status=413),
        TOO_LARGE.saying("Request too large"),
    ),
    _fault(
        "a prompt that is too long, as a 413",
        answers(b'{"error": {"message": "Prompt has 9 tokens, context size is 8"}}', status=413),
        TOO_LARGE.saying("prompt is too long: 9 tokens > 8 maximum"),
    ),
    _fault(
        "a rate limit that counts tokens is not a long prompt",
        answers(
            b'{"error": {"message": "Rate limit: tokens per minute exceeded, 9000 > 8000"}}',
            status=400,
        ),
        REFUSED.saying("Rate limit: tokens per minute exceeded, 9000 > 8000"),
    ),
]
