"""The receipt of one call: the answer of GET /v1/requests/{request_id}."""

from billing.models import Source
from gateway.openapi.json_schema import (
    BOOLEAN,
    COUNT,
    MOMENT,
    TEXT,
    Schema,
    array,
    const,
    described,
    enum,
    nullable,
    object_schema,
    ref,
)
from gateway.openapi.schemas import answers
from gateway.openapi.schemas.read_endpoints import SUM_FIELDS
from usage.models import Ending

_MILLISECONDS = nullable(COUNT)
_BALANCE = "the call's own ledger entry; null if it was not charged."
_TOKENS: dict[str, Schema] = {
    **answers.TOKEN_COUNTS,
    "is_estimated": described(BOOLEAN, "Whether the upstream's count was missing or incomplete."),
}
_LINE = object_schema(
    {
        "class": described(
            TEXT,
            "Of tokens: `input`, `output`, `cache_write`, `cache_write_1h` or `cache_read`. Of "
            "tools that run at the upstream: `web_search`, `web_fetch` or `code_execution`.",
        ),
        "model": described(TEXT, "The model whose price it is."),
        "price_from": described(nullable(MOMENT), "Since when that price is in force."),
        "microcredits": described(COUNT, "The count times the price: millionths of a credit."),
    },
    {
        "tokens": described(COUNT, "How many tokens, in a line of tokens."),
        "credits_per_million_tokens": described(COUNT, "Their price."),
        "uses": described(COUNT, "How many uses, in a line of a tool."),
        "credits_per_1000_uses": described(COUNT, "Their price."),
    },
)
_HOLD = object_schema(
    {
        "amount": described(COUNT, "Held before a model was asked: the most it could cost."),
        "released": described(COUNT, "What of it was not charged."),
        "balance_before": described(nullable(COUNT), f"The balance before {_BALANCE}"),
        "balance_after": described(nullable(COUNT), f"The balance after {_BALANCE}"),
    },
)
_ENTRY = object_schema(
    {
        "number": described(COUNT, "Its number in the workspace's ledger."),
        "created_at": described(MOMENT, "When the call was charged."),
    }
)
_ERROR = object_schema(
    {
        "type": described(TEXT, "The type that the caller received."),
        "error_code": described(nullable(TEXT), "The code that the caller received."),
        "message": described(nullable(TEXT), "The message, kept for refused calls alone."),
    }
)
_ATTEMPT = object_schema(
    {
        "model": described(TEXT, "The model that was asked."),
        "started_ms": described(COUNT, "Milliseconds after the call was accepted."),
        "duration_ms": described(COUNT, "How long it took."),
        "status": described(nullable(COUNT), "The HTTP status; null without an answer."),
        "error": described(nullable(TEXT), "The `error_code` of its failure."),
    }
)
_TIMINGS = object_schema(
    {
        "queue": described(_MILLISECONDS, "Until credits were asked for."),
        "hold": described(_MILLISECONDS, "Until they were held."),
        "first_byte": described(_MILLISECONDS, "From the start until a stream's first content."),
        "total": described(COUNT, "The whole call."),
    }
)
_SESSION = object_schema(SUM_FIELDS)
_ALTERNATIVE = object_schema(
    {
        "model": described(TEXT, "A model that could have served the call."),
        "credits": described(COUNT, "What the same tokens cost there, at that moment's price."),
        "difference": described({"type": "integer"}, "That less `credits_consumed`."),
    }
)

SCHEMAS: dict[str, Schema] = {
    "Receipt": object_schema(
        {
            "object": const("request"),
            "id": ref("RequestId"),
            "accepted_at": described(MOMENT, "When the call was accepted."),
            "status": described(COUNT, "The HTTP status; 499 if the caller left before it."),
            "ending": enum(Ending.values, description="How the call ended."),
            "source": enum(Source.values, description="Where the call came from."),
            "requested_model": described(TEXT, "The `model` of the request."),
            "resolved_model": described(TEXT, "The model that answered, or was asked last."),
            "route": described(TEXT, "As in `caicaini-route`, with what the request needed."),
            "stop_reason": described(nullable(TEXT), "The answer's; null without one."),
            "stream": described(BOOLEAN, "Whether the answer was streamed."),
            "error": described(nullable(_ERROR), "The error that it ended with."),
            "refusals": described(
                nullable(COUNT), "How many refused calls this record stands for; null for one."
            ),
            "key_id": described(nullable({"type": "integer"}), "The key; null without one."),
            "session_id": described(nullable(TEXT), "The session that the caller named."),
            "session": described(
                nullable(_SESSION),
                "The sums of all calls of that session whose records are kept, this one included; "
                "null without a session.",
            ),
            "user_id": described(nullable(TEXT), "The user that the caller named."),
            "tags": array(TEXT, description="The tags that the caller gave."),
            "usage": object_schema(_TOKENS, description="The tokens."),
            "lines": array(_LINE, description="What the charge is made of."),
            "microcredits": described(COUNT, "The sum of the lines, rounded up once to charge it."),
            "credits_consumed": described(COUNT, "What was charged."),
            "credits_lost": described(COUNT, "What was delivered and not charged: our loss."),
            "hold": described(nullable(_HOLD), "The credits that were held for it."),
            "ledger_entry": described(nullable(_ENTRY), "The entry of the charge."),
            "attempts": array(_ATTEMPT, description="The requests to models, in order."),
            "timings_ms": described(_TIMINGS, "Where the time went, in milliseconds."),
            "alternatives": array(
                _ALTERNATIVE, description="Other models that could have served it, cheapest first."
            ),
        },
        description="One call. Unknown values are null.",
    )
}
