"""What POST /v1/messages answers, whole, and what count_tokens does."""

from gateway.openapi.json_schema import (
    COUNT,
    FILLED,
    OBJECT,
    TEXT,
    Schema,
    array,
    nullable,
    record,
    ref,
    said,
    tag,
)
from gateway.reply.blocks import OF_PROVIDERS

MESSAGE_ID: Schema = {"type": "string", "pattern": "^msg_[0-9a-f]{32}$"}
STOP_REASON: Schema = {
    "type": "string",
    "pattern": "^[a-z_]{1,40}$",
    "description": "`end_turn`, `max_tokens`, `stop_sequence`, `tool_use`, `refusal`, `pause_turn` "
    "or `model_context_window_exceeded`; an upstream may have further words.",
}
STOP_SEQUENCE = said(nullable(TEXT), "The one of `stop_sequences` that was met.")
ENDING: dict[str, Schema] = {"stop_reason": STOP_REASON, "stop_sequence": STOP_SEQUENCE}
EXTRAS: dict[str, Schema] = {"stop_details": OBJECT, "container": OBJECT}
_COUNTS: Schema = {"type": "object", "additionalProperties": COUNT}
TOKEN_COUNTS: dict[str, Schema] = {
    "input_tokens": said(COUNT, "Input that was neither read from nor written to the cache."),
    "output_tokens": said(COUNT, "Output, thinking included."),
    "cache_creation_input_tokens": said(COUNT, "Input written to the cache."),
    "cache_read_input_tokens": said(COUNT, "Input read from the cache."),
}
BREAKDOWNS: dict[str, Schema] = {
    "cache_creation": _COUNTS,
    "output_tokens_details": _COUNTS,
    "server_tool_use": _COUNTS,
}
_CREDITS = said(COUNT, "What this call cost: exactly what was taken from the balance.")


def head(content: Schema) -> dict[str, Schema]:
    """Return the members that a message begins with."""
    return {
        "id": MESSAGE_ID,
        "type": tag("message"),
        "role": tag("assistant"),
        "model": said(TEXT, "The model that answered; never `caicaini/auto`."),
        "content": content,
    }


def _tool_call(kind: str) -> Schema:
    return record({"type": tag(kind), "id": FILLED, "name": FILLED, "input": OBJECT})


SCHEMAS: dict[str, Schema] = {
    "Message": record(
        {
            **head(array(ref("AnswerBlock"), minItems=1)),
            **ENDING,
            "usage": ref("Usage"),
        },
        EXTRAS,
    ),
    "AnswerBlock": {
        "oneOf": [
            ref("AnswerText"),
            ref("AnswerThinking"),
            ref("AnswerRedactedThinking"),
            ref("AnswerToolUse"),
            ref("AnswerProviderBlock"),
        ]
    },
    "AnswerText": record({"type": tag("text"), "text": TEXT}, {"citations": array(OBJECT)}),
    "AnswerThinking": record({"type": tag("thinking"), "thinking": TEXT, "signature": TEXT}),
    "AnswerRedactedThinking": record({"type": tag("redacted_thinking"), "data": TEXT}),
    "AnswerToolUse": _tool_call("tool_use"),
    "AnswerProviderBlock": record(
        {"type": {"type": "string", "enum": sorted(OF_PROVIDERS)}},
        description="A tool that the upstream ran by itself, or what it returned.",
    ),
    "Usage": record({**TOKEN_COUNTS, "credits_consumed": _CREDITS}, BREAKDOWNS),
    "TokenCount": record(
        {"input_tokens": {"type": "integer", "minimum": 1}},
        description="The upstream's own count, or an estimate where it cannot tell.",
    ),
}
