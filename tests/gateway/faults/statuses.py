"""Answers that say by their status that they are none."""

import json

from tests.gateway.faults.table import (
    FAILED,
    OVERLOADED,
    REFUSED,
    SECRETS,
    TIMEOUT,
    Fault,
    Outcome,
    whatever,
)
from tests.support.replies import answers
from tests.support.scripted_upstream import Play

HTML = b"<html><body>nginx at 10.0.0.7</body></html>"
LONG_AGO, FAR_AWAY = "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 2094 08:49:37 GMT"


def error(kind: str, words: str = SECRETS) -> bytes:
    return json.dumps({"type": "error", "error": {"type": kind, "message": words}}).encode()


def says_no(status: int, kind: str, *headers: str, words: str = SECRETS) -> Play:
    return answers(error(kind, words), status=status, headers=headers)


def page(status: int) -> Play:
    return answers(HTML, status=status, content_type="text/html")


def _row(name: str, play: Play, outcome: Outcome) -> Fault:
    return Fault(name, whatever(play), outcome)


FAULTS = [
    # The request's own fault: told in the upstream's words, if they hold nothing but words.
    _row("400", says_no(400, "invalid_request_error", words="too hot"), REFUSED),
    _row("400 with secrets", says_no(400, "invalid_request_error"), REFUSED),
    _row("400 in HTML", page(400), REFUSED),
    _row("400 and nothing", answers(b"", status=400), REFUSED),
    _row("400 as bare text", answers(b"no", status=400, content_type="text/plain"), REFUSED),
    _row("413", says_no(413, "request_too_large"), REFUSED),
    _row("422", says_no(422, "invalid_request_error"), REFUSED),
    # Ours to mend, and no business of the caller's.
    _row("401", says_no(401, "authentication_error"), FAILED),
    _row("402", says_no(402, "billing_error"), FAILED),
    _row("403", says_no(403, "permission_error"), FAILED),
    _row("404", says_no(404, "not_found_error"), FAILED),
    _row("405", says_no(405, "invalid_request_error"), FAILED),
    _row("418 in HTML", page(418), FAILED),
    # Busy: how long to wait is passed on where it says so in seconds.
    _row("429", says_no(429, "rate_limit_error"), OVERLOADED),
    _row(
        "429 and when to come back",
        says_no(429, "rate_limit_error", "retry-after: 7"),
        OVERLOADED.asking_to_wait("7"),
    ),
    _row(
        "429 and when to come back, in fractions",
        says_no(429, "rate_limit_error", "retry-after: 1.2"),
        OVERLOADED.asking_to_wait("2"),
    ),
    _row(
        "429 and the date to come back, which is past",
        says_no(429, "rate_limit_error", f"retry-after: {LONG_AGO}"),
        OVERLOADED.asking_to_wait("1"),
    ),
    _row(
        "429 and a date to come back that is far away",
        says_no(429, "rate_limit_error", f"retry-after: {FAR_AWAY}"),
        OVERLOADED,
    ),
    _row(
        "429 and a month to wait",
        says_no(429, "rate_limit_error", "retry-after: 2592000"),
        OVERLOADED,
    ),
    _row("429 and nonsense", says_no(429, "x", "retry-after: -1"), OVERLOADED),
    _row("425", says_no(425, "api_error"), OVERLOADED),
    _row("503", says_no(503, "api_error"), OVERLOADED),
    _row("503 in HTML", page(503), OVERLOADED),
    _row("529", says_no(529, "overloaded_error"), OVERLOADED),
    _row(
        "529 and when to come back",
        says_no(529, "overloaded_error", "retry-after: 3"),
        OVERLOADED.asking_to_wait("3"),
    ),
    # Late.
    _row("408", says_no(408, "timeout_error"), TIMEOUT),
    _row("504", says_no(504, "timeout_error"), TIMEOUT),
    _row("504 in HTML", page(504), TIMEOUT),
    # Broken.
    _row("500", says_no(500, "api_error"), FAILED),
    _row("500 in HTML", page(500), FAILED),
    _row("501", says_no(501, "api_error"), FAILED),
    _row("502 in HTML", page(502), FAILED),
    _row("520 in HTML", page(520), FAILED),
    _row("a status of nobody's", says_no(799, "api_error"), FAILED),
    _row("201", says_no(201, "api_error"), FAILED),
    _row("206", answers(b'{"content": []}', status=206), FAILED),
    _row("304", answers(b"", status=304), FAILED),
]
