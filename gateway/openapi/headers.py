"""Headers of requests and answers."""

from collections.abc import Iterable

from gateway.limits import rate_limiter
from gateway.openapi.json_schema import COUNT, MOMENT, TEXT, Schema, one_word, ref

_LIMIT_WORDS = {
    "limit": ("How many the workspace may use in a minute.", COUNT),
    "remaining": ("How many are left.", COUNT),
    "reset": ("When the minute is over.", MOMENT),
}
_KNOWN: dict[str, tuple[str, Schema]] = {
    "request-id": (
        "The id of this call; name it when you ask about it. Errors have it in their body too.",
        ref("RequestId"),
    ),
    "caicaini-route": (
        "The model that answered, and which others were not asked and why: "
        '`caicaini/swift; dropped="caicaini/large: images"`.',
        TEXT,
    ),
    "caicaini-credits-consumed": (
        "What the call cost, as in `usage.credits_consumed`. A stream says it in its last "
        "`message_delta`, since its headers go out before.",
        COUNT,
    ),
    "retry-after": ("Seconds after which to try again.", COUNT),
    "x-should-retry": (
        "Whether official SDKs send the call again; without it, they go by the status.",
        one_word(("true", "false")),
    ),
    "allow": ("The methods that there are.", TEXT),
    **{name: _LIMIT_WORDS[name.rpartition("-")[2]] for name in rate_limiter.HEADERS},
}
VERSION: Schema = {
    "name": "anthropic-version",
    "in": "header",
    "description": "Sent by SDKs. Every value is taken, and none is needed.",
    "schema": {"type": "string", "examples": ["2023-06-01"]},
}
BETA: Schema = {
    "name": "anthropic-beta",
    "in": "header",
    "description": "Names of betas, separated by commas: passed on to upstreams of the Messages "
    "format.",
    "schema": TEXT,
}


def documented(required: Iterable[str] = (), optional: Iterable[str] = ()) -> dict[str, Schema]:
    """Return the headers of an answer, `request-id` among them."""
    always = {"request-id", *required}
    names = dict.fromkeys(["request-id", *required, *optional])
    return {name: _header(name, is_required=name in always) for name in names}


def _header(name: str, *, is_required: bool) -> Schema:
    description, schema = _KNOWN[name]
    return {"description": description, "required": is_required, "schema": schema}
