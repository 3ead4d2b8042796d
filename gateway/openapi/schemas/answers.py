"""Non-streaming answers of POST /v1/messages, and answers of count_tokens."""

from gateway.openapi.json_schema import (
    COUNT,
    NON_EMPTY,
    OBJECT,
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
from gateway.reply.blocks import PROVIDER_BLOCKS

MESSAGE_ID: Schema = {
    "type": "string",
    "pattern": "^msg_[0-9a-f]{32}$",
    "description": "The id of the message; its digits are those of the request id.",
}
STOP_REASON: Schema = {
    "type": "string",
    "pattern": "^[a-z_]{1,40}$",
    "description": "`end_turn`, `max_tokens`, `stop_sequence`, `tool_use`, `refusal`, `pause_turn` "
    "or `model_context_window_exceeded`; upstreams may add others.",
}
STOP_SEQUENCE = described(nullable(TEXT), "The entry of `stop_sequences` that matched.")
ENDING: dict[str, Schema] = {"stop_reason": STOP_REASON, "stop_sequence": STOP_SEQUENCE}
EXTRAS: dict[str, Schema] = {
    "stop_details": described(OBJECT, "More on `stop_reason`, from upstreams that report it."),
    "container": described(OBJECT, "The container of a provider's tool, from its upstream."),
}
CLEARED = {
    "context_management": described(OBJECT, "What the provider cleared of the conversation."),
}


def _counts(description: str) -> Schema:
    return {"type": "object", "additionalProperties": COUNT, "description": description}


TOKEN_COUNTS: dict[str, Schema] = {
    "input_tokens": described(COUNT, "Input that was neither read from nor written to the cache."),
    "output_tokens": described(COUNT, "Output, thinking included."),
    "cache_creation_input_tokens": described(COUNT, "Input written to the cache."),
    "cache_read_input_tokens": described(COUNT, "Input read from the cache."),
}
BREAKDOWNS: dict[str, Schema] = {
    "cache_creation": _counts("`cache_creation_input_tokens` by how long they are kept."),
    "output_tokens_details": _counts("Parts of `output_tokens`, such as `thinking_tokens`."),
    "server_tool_use": _counts("Uses of a provider's tools."),
    "iterations": {
        "type": "array",
        "items": OBJECT,
        "description": "The provider's passes over the conversation: for a compaction, for a "
        "helper model and for the message. Only the last kind is in the counts above; all are "
        "charged.",
    },
}
_CREDITS = described(COUNT, "The cost of this call: exactly the amount taken from the balance.")
_REMAINING = described(
    COUNT,
    "The balance after this call's own ledger entry. In the `message_delta` of a stream; a plain "
    "answer has it as the header `caicaini-credits-remaining`. Absent while it is unknown.",
)


def head(content: Schema) -> dict[str, Schema]:
    """Return the first members of a message."""
    return {
        "id": MESSAGE_ID,
        "type": const("message"),
        "role": const("assistant"),
        "model": described(TEXT, "The model that answered; never `caicaini/auto`."),
        "content": content,
    }


def _tool_call(kind: str) -> Schema:
    return object_schema(
        {
            "type": const(kind),
            "id": described(NON_EMPTY, "Your `tool_result` names it as `tool_use_id`."),
            "name": described(NON_EMPTY, "The tool to run."),
            "input": described(OBJECT, "What to run it with. In a stream it begins empty."),
        },
        description="The model calls one of your tools.",
    )


SCHEMAS: dict[str, Schema] = {
    "Message": object_schema(
        {
            **head(
                array(ref("AnswerBlock"), minItems=1, description="The answer, block by block.")
            ),
            **ENDING,
            "usage": ref("Usage", "What the call consumed."),
        },
        EXTRAS | CLEARED,
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
    "AnswerText": object_schema(
        {"type": const("text"), "text": described(TEXT, "The text.")},
        {"citations": array(OBJECT, description="The passages that the text relies on.")},
        description="Text.",
    ),
    "AnswerThinking": object_schema(
        {
            "type": const("thinking"),
            "thinking": described(TEXT, "The model's thinking."),
            "signature": described(TEXT, "Send it back with the block, unchanged."),
        },
        description="What the model thought before it went on.",
    ),
    "AnswerRedactedThinking": object_schema(
        {
            "type": const("redacted_thinking"),
            "data": described(TEXT, "Send it back with the block, unchanged."),
        },
        description="Thinking that is encrypted.",
    ),
    "AnswerToolUse": _tool_call("tool_use"),
    "AnswerProviderBlock": object_schema(
        {"type": enum(sorted(PROVIDER_BLOCKS), description="Which tool, or its result.")},
        description="A tool that the upstream ran by itself, or what it returned.",
    ),
    "Usage": object_schema(
        {**TOKEN_COUNTS, "credits_consumed": _CREDITS},
        {"credits_remaining": _REMAINING, **BREAKDOWNS},
    ),
    "TokenCount": object_schema(
        {
            "input_tokens": {
                "type": "integer",
                "minimum": 1,
                "description": "The input tokens of the request.",
            }
        },
        description="The upstream's own count, or an estimate if it cannot count.",
    ),
}
