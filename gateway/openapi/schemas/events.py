"""The events of a streamed answer."""

from gateway.openapi.json_schema import (
    COUNT,
    OBJECT,
    TEXT,
    Schema,
    array,
    const,
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
    data = {"type": "string", "contentMediaType": "application/json", "contentSchema": ref(schema)}
    return object_schema({"event": const(name), "data": data})


def _event(kind: str, members: dict[str, Schema], description: str) -> Schema:
    return object_schema({"type": const(kind), **members}, description=description)


def _delta(kind: str, member: str) -> Schema:
    return object_schema({"type": const(kind), member: TEXT})


_STARTED = object_schema(
    {
        **answers.head(array({}, maxItems=0)),
        "stop_reason": {"type": "null"},
        "stop_sequence": {"type": "null"},
        "usage": object_schema(
            answers.TOKEN_COUNTS,
            answers.BREAKDOWNS,
            description="The known or estimated input; the cost is known at the end.",
        ),
    }
)

SCHEMAS: dict[str, Schema] = {
    "StreamEvent": {
        "oneOf": [_server_sent(name, schema) for name, schema in _EVENTS.items()],
        "description": "One server-sent event: its name, and data of one line of JSON.",
    },
    "MessageStartEvent": _event("message_start", {"message": _STARTED}, "The first event."),
    "ContentBlockStartEvent": _event(
        "content_block_start",
        {"index": COUNT, "content_block": ref("AnswerBlock")},
        "A block begins, empty; blocks are numbered 0, 1, 2 … and never overlap.",
    ),
    "ContentBlockDeltaEvent": _event(
        "content_block_delta",
        {
            "index": COUNT,
            "delta": {
                "oneOf": [
                    _delta("text_delta", "text"),
                    _delta("thinking_delta", "thinking"),
                    _delta("signature_delta", "signature"),
                    _delta("input_json_delta", "partial_json"),
                    object_schema({"type": const("citations_delta"), "citation": OBJECT}),
                    object_schema(
                        {"type": const("compaction_delta")},
                        {"content": nullable(TEXT), "encrypted_content": nullable(TEXT)},
                    ),
                ]
            },
        },
        "More of the block.",
    ),
    "ContentBlockStopEvent": _event(
        "content_block_stop", {"index": COUNT}, "The block is complete."
    ),
    "MessageDeltaEvent": _event(
        "message_delta",
        {"delta": object_schema(answers.ENDING, answers.EXTRAS), "usage": ref("Usage")},
        "The stop reason, and the usage and cost of the whole answer.",
    ),
    "MessageStopEvent": _event("message_stop", {}, "The last event of an answer."),
    "PingEvent": _event("ping", {}, "Keeps the connection alive."),
}
