"""The events of a streamed answer."""

from gateway.openapi.json_schema import (
    COUNT,
    OBJECT,
    TEXT,
    Schema,
    array,
    const,
    described,
    nullable,
    object_schema,
    ref,
)
from gateway.openapi.schemas import answers

_EVENTS = {
    "message_start": "MessageStartEvent",
    "content_block_start": "ContentBlockStartEvent",
    "content_block_delta": "ContentBlockDeltaEvent",
    "content_block_stop": "ContentBlockStopEvent",
    "message_delta": "MessageDeltaEvent",
    "message_stop": "MessageStopEvent",
    "ping": "PingEvent",
    "error": "Error",
}


def _server_sent(name: str, schema: str) -> Schema:
    data = {
        "type": "string",
        "contentMediaType": "application/json",
        "contentSchema": ref(schema),
        "description": "One line of JSON, whose `type` is the name of the event.",
    }
    return object_schema({"event": const(name), "data": data})


def _event(
    kind: str,
    members: dict[str, Schema],
    description: str,
    optional: dict[str, Schema] | None = None,
) -> Schema:
    return object_schema({"type": const(kind), **members}, optional, description=description)


def _delta(kind: str, member: str, description: str) -> Schema:
    return object_schema({"type": const(kind), member: described(TEXT, description)})


_STARTED = object_schema(
    {
        **answers.head(array({}, maxItems=0, description="Still empty.")),
        "stop_reason": {"type": "null", "description": "Not known yet."},
        "stop_sequence": {"type": "null", "description": "Not known yet."},
        "usage": object_schema(
            answers.TOKEN_COUNTS,
            answers.BREAKDOWNS,
            description="The known or estimated input; the cost is known at the end.",
        ),
    },
    description="The message without its content.",
)
_INDEX = described(COUNT, "The number of the block.")
_ENCRYPTED = "The summary, encrypted for the upstream."

SCHEMAS: dict[str, Schema] = {
    "StreamEvent": {
        "oneOf": [_server_sent(name, schema) for name, schema in _EVENTS.items()],
        "description": "One server-sent event: its name, and data of one line of JSON.",
    },
    "MessageStartEvent": _event("message_start", {"message": _STARTED}, "The first event."),
    "ContentBlockStartEvent": _event(
        "content_block_start",
        {"index": _INDEX, "content_block": ref("AnswerBlock", "The block, without its content.")},
        "A block begins, empty; blocks are numbered 0, 1, 2 … and never overlap.",
    ),
    "ContentBlockDeltaEvent": _event(
        "content_block_delta",
        {
            "index": _INDEX,
            "delta": {
                "oneOf": [
                    _delta("text_delta", "text", "Append it to the block's `text`."),
                    _delta("thinking_delta", "thinking", "Append it to the block's `thinking`."),
                    _delta("signature_delta", "signature", "The block's `signature`."),
                    _delta(
                        "input_json_delta",
                        "partial_json",
                        "A piece of the tool's input as JSON: parse it when the block is complete.",
                    ),
                    object_schema(
                        {
                            "type": const("citations_delta"),
                            "citation": described(OBJECT, "Add it to the block's `citations`."),
                        }
                    ),
                    object_schema(
                        {"type": const("compaction_delta")},
                        {
                            "content": described(
                                nullable(TEXT), "The summary of the conversation so far."
                            ),
                            "encrypted_content": described(nullable(TEXT), _ENCRYPTED),
                        },
                    ),
                ],
                "description": "The piece, by the kind of the block.",
            },
        },
        "More of the block.",
    ),
    "ContentBlockStopEvent": _event(
        "content_block_stop", {"index": _INDEX}, "The block is complete."
    ),
    "MessageDeltaEvent": _event(
        "message_delta",
        {
            "delta": object_schema(
                answers.ENDING, answers.EXTRAS, description="How the answer ended."
            ),
            "usage": ref("Usage", "What the call consumed, in all."),
        },
        "The stop reason, and the usage and cost of the whole answer.",
        answers.CLEARED,
    ),
    "MessageStopEvent": _event("message_stop", {}, "The last event of an answer."),
    "PingEvent": _event("ping", {}, "Keeps the connection alive."),
}
