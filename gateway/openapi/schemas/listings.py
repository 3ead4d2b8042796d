"""What the read-only endpoints answer: models, credits, usage."""

from billing.models import Source
from gateway.http import capabilities
from gateway.openapi.json_schema import (
    BOOLEAN,
    COUNT,
    MOMENT,
    TEXT,
    Schema,
    array,
    nullable,
    one_word,
    record,
    ref,
    said,
    tag,
)
from usage.gateway_queries import SUMS, Bucket

_CAPABILITIES = {name: record({"supported": BOOLEAN}) for name in capabilities.NAMES}
_SUMS: dict[str, Schema] = {
    "credits_consumed" if name == "credits" else name: COUNT for name in SUMS
}
_GROUPS: dict[str, Schema] = {
    "model": said(TEXT, "The model that answered."),
    "key_id": said(nullable({"type": "integer"}), "The key; null for calls without one."),
    "source": one_word(Source.values, description="Where the call came from."),
}

SCHEMAS: dict[str, Schema] = {
    "Model": record(
        {
            "id": TEXT,
            "type": tag("model"),
            "display_name": TEXT,
            "created_at": MOMENT,
            "lifecycle": tag("active"),
            "max_input_tokens": said(COUNT, "The size of its context."),
            "max_tokens": said(COUNT, "The most it writes in one answer."),
            "capabilities": record(
                _CAPABILITIES, description="What it can take beyond text, and how it can answer."
            ),
            "credits_per_million_tokens": record(
                dict.fromkeys(("input", "output", "cache_write", "cache_read"), COUNT)
            ),
        }
    ),
    "ModelPage": record(
        {
            "data": array(ref("Model")),
            "has_more": BOOLEAN,
            "first_id": nullable(TEXT),
            "last_id": said(nullable(TEXT), "Give it as `after_id` to read on."),
        }
    ),
    "Credits": record(
        {
            "object": tag("credits"),
            "pool": tag("api"),
            "available": said(COUNT, "What new calls may cost: `posted` less `held`."),
            "held": said(COUNT, "Set aside for calls that run."),
            "posted": said(COUNT, "The balance."),
            "owed": said(COUNT, "What refunds took beyond the balance."),
            "credits_per_usd": {"type": "integer", "const": 100_000},
        }
    ),
    "UsageReport": record(
        {
            "object": tag("usage"),
            "bucket": one_word(Bucket),
            "from": MOMENT,
            "to": MOMENT,
            "data": array(ref("UsageBucket"), description="Oldest first."),
            "has_more": said(BOOLEAN, "Whether more follows; a report is always whole."),
        }
    ),
    "UsageBucket": record(
        {"starts_at": MOMENT, "ends_at": MOMENT, **_SUMS},
        _GROUPS,
        description="Sums over an hour or a day; one without calls is not listed. `model`, "
        "`key_id` and `source` are there when `group_by` asks for them.",
    ),
}
