"""The table of limits, from the settings and the checks that enforce them."""

from typing import NamedTuple

from django.conf import settings

from docs_site.openapi import document
from docs_site.tables.markdown_table import table
from gateway.http.models import DEFAULT_LIMIT, MOST_PER_PAGE
from gateway.http.usage_query import LONGEST
from gateway.pipeline.attempts import MOST_ATTEMPTS
from gateway.request.content import MAX_CACHE_BREAKPOINTS
from gateway.request.image_urls import MAX_URL_CHARS
from gateway.request.json_values import MOST_VALUES
from gateway.request.messages import MAX_MESSAGES
from gateway.runtime.key_cache import FRESH_FOR_S
from server.http_protocol import HttpProtocol


class Limit(NamedTuple):
    """A limit, and what happens beyond it."""

    name: str
    value: str
    beyond: str


def rates(_: str) -> str:
    """Return how much a workspace and a key may do."""
    return _table(
        "Rate",
        Limit(
            "Requests of a workspace, a minute",
            f"{settings.RATE_LIMITS['requests']:,}",
            _error(429, "rate_limited"),
        ),
        Limit(
            "Input tokens of a workspace, a minute",
            f"{settings.RATE_LIMITS['input_tokens']:,}",
            _error(429, "rate_limited"),
        ),
        Limit(
            "Running calls of a key, a server process",
            f"{settings.MAX_CONCURRENT_CALLS_PER_KEY:,}",
            _error(429, "rate_limited"),
        ),
        Limit(
            "Running calls of a workspace, a server process",
            f"{settings.MAX_CONCURRENT_CALLS_PER_WORKSPACE:,}",
            _error(429, "rate_limited"),
        ),
        Limit(
            "Reads of a workspace, a minute and server process; as many counts of tokens",
            f"{settings.READ_LIMITS['per_minute']:,}",
            _error(429, "rate_limited"),
        ),
        Limit(
            "Reads of a workspace at once, a server process; as many counts of tokens",
            f"{settings.READ_LIMITS['at_once']:,}",
            _error(429, "rate_limited"),
        ),
        Limit(
            "Running calls in all, a server process",
            f"{settings.MAX_CONCURRENT_CALLS:,}",
            _error(529, "overloaded"),
        ),
    )


def sizes(_: str) -> str:
    """Return how large a request and its parts may be."""
    invalid = _error(400, "invalid_request")
    model = document.schemas()["MessagesRequest"]["properties"]["model"]
    return _table(
        "Size",
        Limit("Body", _bytes(settings.MAX_BODY_BYTES), _error(413, "request_too_large")),
        Limit("Request line and headers", _bytes(HttpProtocol.largest_head_bytes), "400"),
        Limit("Values in the JSON of a body", f"{MOST_VALUES:,}", invalid),
        Limit("Messages", f"{MAX_MESSAGES:,}", invalid),
        Limit("`cache_control` breakpoints", str(MAX_CACHE_BREAKPOINTS), invalid),
        Limit("`model`", f"{model['maxLength']} characters", invalid),
        Limit("Address of an image or document", f"{MAX_URL_CHARS:,} characters", invalid),
        Limit("Context", "that of the [model](/docs/models-and-prices)", invalid),
        Limit("`max_tokens`", "that of the model", "lowered to it, without an error"),
        Limit(
            "Models of a page",
            f"{MOST_PER_PAGE:,}; {DEFAULT_LIMIT} without `limit`",
            invalid,
        ),
        *(
            Limit(f"Usage by `{bucket}`", f"{length.days} days", invalid)
            for bucket, length in LONGEST.items()
        ),
    )


def times(_: str) -> str:
    """Return how long each part of a call may take."""
    timeout = _error(504, "upstream_timeout")
    comment_s = _seconds(settings.KEEP_ALIVE_EVERY_S)
    return _table(
        "Time",
        Limit(
            "Connection to the model's server",
            _seconds(settings.UPSTREAM_CONNECT_TIMEOUT_S),
            f"the next server is tried, then {_error(529, 'upstream_unavailable')}",
        ),
        Limit(
            "First byte of the answer",
            _seconds(settings.UPSTREAM_FIRST_BYTE_TIMEOUT_S),
            f"the next server is tried, then {timeout}; a plain call without another server waits "
            "for as long as a whole call may take",
        ),
        Limit("Silence within an answer", _seconds(settings.UPSTREAM_IDLE_TIMEOUT_S), timeout),
        Limit("Whole call", _seconds(settings.UPSTREAM_TOTAL_TIMEOUT_S), timeout),
        Limit("Attempts of a call", str(MOST_ATTEMPTS), "the error of the last one"),
        Limit("Silence of a stream", comment_s, "a comment line is sent"),
        Limit(
            "Time in which a caller reads nothing",
            _seconds(settings.CALLER_STALL_TIMEOUT_S),
            "it counts as disconnected",
        ),
        Limit(
            "Pause within a request's body",
            f"{_seconds(HttpProtocol.timeout_s)} to {_seconds(2 * HttpProtocol.timeout_s)}",
            "the connection is closed",
        ),
        Limit("A restart waits for calls", _seconds(settings.DRAIN_WINDOW_S), "529 or `error`"),
        Limit("A revoked key still lists and reads", _seconds(FRESH_FOR_S), "401"),
    )


def _table(kind: str, *limits: Limit) -> str:
    return table((kind, "Limit", "Beyond it"), limits)


def _error(status: int, code: str) -> str:
    return f"{status} [`{code}`](/docs/reference/errors#{code})"


def _bytes(count: int) -> str:
    for size, unit in ((1024 * 1024, "MiB"), (1024, "KiB")):
        if count % size == 0:
            return f"{count // size:,} {unit}"
    return f"{count:,} bytes"


def _seconds(span: float) -> str:
    return f"{span:g} s"
