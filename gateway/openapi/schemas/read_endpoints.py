"""Answers of the read-only endpoints: models, credits, usage."""

from billing.models import Source
from gateway.http import capabilities
from gateway.http.models import STAGES
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
from usage.gateway_queries import SUMS, Bucket

_CAPABILITIES = {name: object_schema({"supported": BOOLEAN}) for name in capabilities.NAMES}
_SUMS: dict[str, Schema] = {
    "credits_consumed" if name == "credits" else name: COUNT for name in SUMS
}
_GROUPS: dict[str, Schema] = {
    "model": described(TEXT, "The model that answered."),
    "key_id": described(nullable({"type": "integer"}), "The key; null for calls without one."),
    "source": enum(Source.values, description="Where the call came from."),
}

SCHEMAS: dict[str, Schema] = {
    "Model": object_schema(
        {
            "id": TEXT,
            "type": const("model"),
            "display_name": TEXT,
            "created_at": MOMENT,
            "lifecycle": enum(
                STAGES, description="`deprecated`: the date of its retirement is announced."
            ),
            "max_input_tokens": described(COUNT, "The size of its context."),
            "max_tokens": described(COUNT, "The maximum length of one answer."),
            "capabilities": object_schema(
                _CAPABILITIES,
                description="The input it accepts beyond text, and how it can answer.",
            ),
            "credits_per_million_tokens": object_schema(
                dict.fromkeys(("input", "output", "cache_write", "cache_read"), COUNT)
            ),
        },
        {
            "retires_at": described(
                MOMENT, "From when on it cannot be called; present once that is announced."
            )
        },
    ),
    "ModelPage": object_schema(
        {
            "data": array(ref("Model")),
            "has_more": BOOLEAN,
            "first_id": nullable(TEXT),
            "last_id": described(nullable(TEXT), "Pass it as `after_id` for the next page."),
        }
    ),
    "Credits": object_schema(
        {
            "object": const("credits"),
            "pool": const("api"),
            "available": described(COUNT, "Available to new calls: `posted` less `held`."),
            "held": described(COUNT, "Set aside for running calls."),
            "posted": described(COUNT, "The balance."),
            "owed": described(COUNT, "Owed because refunds exceeded the balance."),
            "credits_per_usd": {"type": "integer", "const": 100_000},
        }
    ),
    "UsageReport": object_schema(
        {
            "object": const("usage"),
            "bucket": enum(Bucket),
            "from": MOMENT,
            "to": MOMENT,
            "data": array(ref("UsageBucket"), description="Oldest first."),
            "has_more": described(BOOLEAN, "Whether more follows; a report is always complete."),
        }
    ),
    "UsageBucket": object_schema(
        {"starts_at": MOMENT, "ends_at": MOMENT, **_SUMS},
        _GROUPS,
        description="Sums over an hour or a day; one without calls is not listed. `model`, "
        "`key_id` and `source` are present if `group_by` names them.",
    ),
}
