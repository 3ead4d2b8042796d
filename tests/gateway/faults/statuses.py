"""Error statuses."""

import json

from tests.gateway.faults.table import (
    FAILED,
    OVERLOADED,
    REFUSED,
    SECRETS,
    TIMEOUT,
    TOO_LARGE,
    Fault,
    Outcome,
    in_every_format,
)
from tests.support.replies import answers
from tests.support.scripted_upstream import Play

HTML = b"<html><body>nginx at 10.0.0.7</body></html>"
LONG_AGO, FAR_AWAY = "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 2094 08:49:37 GMT"


def error(kind: str, words: str = SECRETS) -> bytes:
    return json.dumps({"type": "error", "error": {"type": kind, "message": words}}).encode()


def error_response(status: int, kind: str, *headers: str, words: str = SECRETS) -> Play:
    return answers(error(kind, words), status=status, headers=headers)


def page(status: int) -> Play:
    return answers(HTML, status=status, content_type="text/html")


def _row(name: str, play: Play, outcome: Outcome) -> Fault:
    return Fault(name, in_every_format(play), outcome)


FAULTS = [
    # A fault of the request: the upstream's message is passed on if it is safe.
    _row("400", error_response(400, "invalid_request_error", words="too hot"), REFUSED),
    _row("400 with secrets", error_response(400, "invalid_request_error"), REFUSED),
    _row("400 in HTML", page(400), REFUSED),
    _row("400 and nothing", answers(b"", status=400), REFUSED),
    _row("400 as bare text", answers(b"no", status=400, content_type="text/plain"), REFUSED),
    _row("413", error_response(413, "request_too_large"), TOO_LARGE),
    _row("422", error_response(422, "invalid_request_error"), REFUSED),
    # For the operator: the upstream's message is replaced.
    _row("401", error_response(401, "authentication_error"), FAILED),
    _row("402", error_response(402, "billing_error"), FAILED),
    _row("403", error_response(403, "permission_error"), FAILED),
    _row("404", error_response(404, "not_found_error"), FAILED),
    _row("405", error_response(405, "invalid_request_error"), FAILED),
    _row("418 in HTML", page(418), FAILED),
    # Overloaded: a valid `retry-after` is passed on in seconds.
    _row("429", error_response(429, "rate_limit_error"), OVERLOADED),
    _row(
        "429 with retry-after",
        error_response(429, "rate_limit_error", "retry-after: 7"),
        OVERLOADED.with_retry_after("7"),
    ),
    _row(
        "429 with a fractional retry-after",
        error_response(429, "rate_limit_error", "retry-after: 1.2"),
        OVERLOADED.with_retry_after("2"),
    ),
    _row(
        "429 with a retry-after date in the past",
        error_response(429, "rate_limit_error", f"retry-after: {LONG_AGO}"),
        OVERLOADED.with_retry_after("1"),
    ),
    _row(
        "429 with a retry-after date in the far future",
        error_response(429, "rate_limit_error", f"retry-after: {FAR_AWAY}"),
        OVERLOADED,
    ),
    _row(
        "429 with a retry-after of a month",
        error_response(429, "rate_limit_error", "retry-after: 2592000"),
        OVERLOADED,
    ),
    _row(
        "429 with an invalid retry-after", error_response(429, "x", "retry-after: -1"), OVERLOADED
    ),
    _row("425", error_response(425, "api_error"), OVERLOADED),
    _row("503", error_response(503, "api_error"), OVERLOADED),
    _row("503 in HTML", page(503), OVERLOADED),
    _row("529", error_response(529, "overloaded_error"), OVERLOADED),
    _row(
        "529 with retry-after",
        error_response(529, "overloaded_error", "retry-after: 3"),
        OVERLOADED.with_retry_after("3"),
    ),
    # Timeouts.
    _row("408", error_response(408, "timeout_error"), TIMEOUT),
    _row("504", error_response(504, "timeout_error"), TIMEOUT),
    _row("504 in HTML", page(504), TIMEOUT),
    # Failures.
    _row("500", error_response(500, "api_error"), FAILED),
    _row("500 in HTML", page(500), FAILED),
    _row("501", error_response(501, "api_error"), FAILED),
    _row("502 in HTML", page(502), FAILED),
    _row("520 in HTML", page(520), FAILED),
    _row("an unassigned status", error_response(799, "api_error"), FAILED),
    _row("201", error_response(201, "api_error"), FAILED),
    _row("206", answers(b'{"content": []}', status=206), FAILED),
    _row("304", answers(b"", status=304), FAILED),
]
