"""Headers of requests and responses."""

from collections.abc import Iterable

from gateway.http import labels
from gateway.limits import rate_limiter
from gateway.openapi.json_schema import COUNT, MOMENT, TEXT, Schema, enum, ref

_LIMIT_HEADERS = {
    "limit": ("How many the workspace may use in a minute.", COUNT),
    "remaining": ("How many are left.", COUNT),
    "reset": ("When the minute is over.", MOMENT),
}
KNOWN: dict[str, tuple[str, Schema]] = {
    "request-id": (
        "The id of this call; quote it when you ask about it. Errors have it in their body too.",
        ref("RequestId"),
    ),
    "etag": (
        "Identifies this answer. Sent back as `if-none-match`, it gets a 304 without a body while "
        "nothing has changed.",
        TEXT,
    ),
    "cache-control": ("`private, no-cache`: keep it, and ask before it is used again.", TEXT),
    "caicaini-route": (
        "The model that answered, and the models that were dropped, with the reason: "
        '`caicaini/swift; dropped="caicaini/large: images"`. `thinking="dropped"`: thinking of '
        'another model in the conversation was left out. `thinking="off"`: thinking is also off '
        "until the next message of the user, since the tool loop began with it.",
        TEXT,
    ),
    "caicaini-dropped": (
        "The fields of the request that the model was not sent, since no Messages API has them or "
        "its server refuses them: the first 20, percent-encoded, separated by commas. Absent if "
        "there are none.",
        TEXT,
    ),
    "caicaini-credits-consumed": (
        "The cost of the call, as in `usage.credits_consumed`. A stream has it only in its last "
        "`message_delta`, since its headers are sent earlier.",
        COUNT,
    ),
    "caicaini-credits-remaining": (
        "The balance after the call's own ledger entry, as in the ledger. On an error: the balance "
        "that the call was decided by. Absent while it is unknown. A stream has it as "
        "`usage.credits_remaining`.",
        COUNT,
    ),
    "retry-after": ("Seconds after which to try again.", COUNT),
    "x-should-retry": (
        "Whether official SDKs retry the call; without it, they decide by the status.",
        enum(("true", "false")),
    ),
    "allow": ("The methods that the address accepts.", TEXT),
    **{name: _LIMIT_HEADERS[name.rpartition("-")[2]] for name in rate_limiter.HEADERS},
}
VERSION: Schema = {
    "name": "anthropic-version",
    "in": "header",
    "description": "Sent by SDKs; none is required. Forwarded to upstreams of the Messages format, "
    "except beside `temperature`, `top_p` and `top_k`, which newer versions reject.",
    "schema": {"type": "string", "examples": ["2023-06-01"]},
}
IF_NONE_MATCH: Schema = {
    "name": "if-none-match",
    "in": "header",
    "description": "The `etag` of the answer that you have.",
    "schema": TEXT,
}
BETA: Schema = {
    "name": "anthropic-beta",
    "in": "header",
    "description": "Names of betas, separated by commas: forwarded to upstreams of the Messages "
    "format. Those that make a call dearer are taken out, unless the model has them on its list.",
    "schema": TEXT,
}

TAGS: Schema = {
    "name": labels.TAGS,
    "in": "header",
    "description": f"What the call counts under in usage by tag: {labels.TAG_RULE}. A call with "
    "two tags counts under both.",
    "schema": {
        "type": "string",
        "pattern": labels.TAGS_PATTERN,
        "examples": ["team-search,nightly"],
    },
}
SESSION: Schema = {
    "name": labels.SESSION,
    "in": "header",
    "description": "The session that the call belongs to, for usage by session. Agents send it; of "
    f"more than {labels.LONGEST_LABEL} characters the SHA-256 is kept.",
    "schema": {"type": "string", "examples": ["4f7c9b52-1d7e-4b8e-9a55-0c3f6f4f2f60"]},
}


def documented(required: Iterable[str] = (), optional: Iterable[str] = ()) -> dict[str, Schema]:
    """Return the headers of a response, including `request-id`."""
    always = {"request-id", *required}
    names = dict.fromkeys(["request-id", *required, *optional])
    return {name: _header(name, is_required=name in always) for name in names}


def _header(name: str, *, is_required: bool) -> Schema:
    description, schema = KNOWN[name]
    return {"description": description, "required": is_required, "schema": schema}
