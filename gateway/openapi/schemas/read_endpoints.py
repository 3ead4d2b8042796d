"""Answers of the read-only endpoints: models, credits, usage."""

from billing.models import Source
from gateway.http import capabilities
from gateway.http.models import STAGES
from gateway.http.usage import SUMS
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
from usage.reading import Width

_SUPPORTED = described(BOOLEAN, "Whether it does.")
_WHAT_A_MODEL_CAN = {
    "batch": "Batches of requests.",
    "citations": "Citations of documents.",
    "code_execution": "Runs code.",
    "context_management": "Edits of the context.",
    "effort": "`output_config.effort`, by its levels.",
    "image_input": "Images in a request.",
    "pdf_input": "PDF documents in a request.",
    "server_tools": "Tools that run at the upstream.",
    "structured_outputs": "`output_config.format`.",
    "thinking": "`thinking`, by its types.",
    "tools": "`tools`; an extension of this API.",
}
_CAPABILITIES = {
    name: object_schema({"supported": _SUPPORTED}, description=_WHAT_A_MODEL_CAN[name])
    for name in capabilities.NAMES
}
_SUM_OF = {
    "requests": "Calls, refused ones too.",
    "refusals": "Calls among them that were refused before a model was asked.",
    "errors": "Calls among them that ended with an error, refused ones too.",
    "input_tokens": answers.TOKEN_COUNTS["input_tokens"]["description"],
    "output_tokens": answers.TOKEN_COUNTS["output_tokens"]["description"],
    "cache_creation_input_tokens": "Input written to the cache.",
    "cache_read_input_tokens": "Input read from the cache.",
}
SUM_FIELDS: dict[str, Schema] = {
    **{name: described(COUNT, _SUM_OF[name]) for name in SUMS},
    "credits_consumed": described(COUNT, "What was charged."),
}
_TOKEN_CLASSES = {
    "input": "Input that is neither written to nor read from the cache.",
    "output": "Output, thinking included.",
    "cache_write": "Input written to the cache.",
    "cache_read": "Input read from the cache.",
}
_TOOLS = {
    "web_search": "Searches of the web.",
    "web_fetch": "Pages that are fetched.",
    "code_execution": "Runs of code.",
}
_AN_HOUR = "Input written to the cache to be kept for an hour, where that has its own price."
_GROUPS: dict[str, Schema] = {
    "model": described(TEXT, "The model that answered; empty for calls that reached none."),
    "key_id": described(nullable({"type": "integer"}), "The key; null for calls without one."),
    "source": enum(Source.values, description="Where the call came from."),
    "tag": described(
        nullable(TEXT),
        "A tag; null for calls without one, `other` for the tags after a day's first 200.",
    ),
    "session_id": described(nullable(TEXT), "The session; null for calls without one."),
}

SCHEMAS: dict[str, Schema] = {
    "Model": object_schema(
        {
            "id": described(TEXT, "What you send as `model`."),
            "type": const("model"),
            "display_name": described(TEXT, "A name for people."),
            "created_at": described(MOMENT, "Since when it is in the catalogue."),
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
                {name: described(COUNT, text) for name, text in _TOKEN_CLASSES.items()},
                {"cache_write_1h": described(COUNT, _AN_HOUR)},
                description="The price in force; an extension of this API.",
            ),
        },
        {
            "retires_at": described(
                MOMENT, "From when on it cannot be called; present once that is announced."
            ),
            "credits_per_1000_uses": object_schema(
                {},
                {tool: described(COUNT, text) for tool, text in _TOOLS.items()},
                description="The price of the tools that run at the upstream; only for a model "
                "that has such a price.",
            ),
        },
    ),
    "ModelPage": object_schema(
        {
            "data": array(ref("Model"), description="The models of this page."),
            "has_more": described(BOOLEAN, "Whether more follow."),
            "first_id": described(
                nullable(TEXT), "Pass it as `before_id` for the page before; null without models."
            ),
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
            "burn_per_hour": described(
                COUNT,
                "Credits spent an hour: the mean of the last 24 hours, or since the first call in "
                "them. It changes every quarter hour.",
            ),
            "runs_dry_at": described(
                nullable(MOMENT),
                "When `available` is spent at this rate; null if nothing was spent lately.",
            ),
            "credits_per_usd": {"type": "integer", "const": 100_000},
        }
    ),
    "UsageReport": object_schema(
        {
            "object": const("usage"),
            "bucket": enum(Width, description="As requested, or the default."),
            "time_zone": described(TEXT, "As requested, or `UTC`."),
            "from": described(MOMENT, "As requested, or the default."),
            "to": described(MOMENT, "As requested, or now."),
            "data": array(ref("UsageBucket"), description="Oldest first."),
            "has_more": described(BOOLEAN, "Whether more rows follow."),
            "next_cursor": described(nullable(TEXT), "Pass it as `cursor` for the next page."),
        },
        {
            "total": object_schema(
                SUM_FIELDS,
                description="With `group_by=tag`: the sums of the range, in which a call with two "
                "tags counts once.",
            ),
            "records_since": described(
                MOMENT,
                "Present if the range begins before it: from when on there are records of single "
                "calls. Before it `from` and `to` are rounded down to the quarter hour, and no "
                "session is known.",
            ),
        },
    ),
    "UsageBucket": object_schema(
        {
            "starts_at": described(MOMENT, "The beginning of its time."),
            "ends_at": described(MOMENT, "Its end; it is not part of the bucket."),
            **SUM_FIELDS,
        },
        _GROUPS,
        description="Sums over a bucket of time; one without calls is not listed. Groups are "
        "present if `group_by` names them.",
    ),
}
