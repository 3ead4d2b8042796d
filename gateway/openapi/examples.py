"""Example requests, which can be sent as they are, and example answers. Tests send them."""

from typing import Any

import msgspec

from gateway.http import capabilities
from gateway.openapi.json_schema import Schema
from gateway.upstreams.router import AUTO

PROMPT = "Say hello in one sentence."
REQUEST_ID = "req_0193511f8a2c7d10b6a4f0c2e9d85b31"
_MESSAGE_ID = "msg_0193511f8a2c7d10b6a4f0c2e9d85b31"
_ANSWER = "Hello there, it is lovely to meet you, and I hope that your day will go very well."
# Eight by eight pixels of orange.
_PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR42mP438CAFTEMLQkAqbNfwTPooMgAAAAASUVO"
    "RK5CYII="
)
_WEATHER_TOOL = {
    "name": "get_weather",
    "description": "The weather in a city, now.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}
_ASKED = {"role": "user", "content": "What is the weather in Lisbon?"}
_CALL = {
    "type": "tool_use",
    "id": "toolu_01A09q90qw90lq917835lq9",
    "name": "get_weather",
    "input": {"city": "Lisbon"},
}


def _request(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": AUTO, "max_tokens": 100, "messages": list(messages), **more}


def _user(*content: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(content)}


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


_HELLO = {"role": "user", "content": PROMPT}
_PICTURE = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": _PNG},
}
_NOTE = {
    "type": "document",
    "title": "Opening hours",
    "source": {"type": "text", "media_type": "text/plain", "data": "Monday to Friday, 9 to 17."},
}
REQUESTS: dict[str, dict[str, Any]] = {
    "The smallest": _request(_HELLO),
    "Streamed": _request(_HELLO, stream=True),
    "A conversation": _request(
        {"role": "user", "content": "Name a prime number."},
        {"role": "assistant", "content": "Seven."},
        {"role": "user", "content": "A larger one, please."},
        system="You answer in one word.",
        temperature=0.2,
        stop_sequences=["\n"],
        metadata={"user_id": "customer-4711"},
    ),
    "A tool": _request(_ASKED, tools=[_WEATHER_TOOL], tool_choice={"type": "auto"}),
    "A tool's result": _request(
        _ASKED,
        {"role": "assistant", "content": [_CALL]},
        _user({"type": "tool_result", "tool_use_id": _CALL["id"], "content": "Sunny, 21 °C"}),
        tools=[_WEATHER_TOOL],
    ),
    "An image": _request(_user(_PICTURE, _text("Which colour is this?"))),
    "A document": _request(_user(_NOTE, _text("Is it open on Sundays?"))),
    "Thinking": _request(
        {"role": "user", "content": "Is 2027 a prime number?"},
        max_tokens=4096,
        thinking={"type": "enabled", "budget_tokens": 2048},
    ),
    "An answer in JSON": _request(
        {"role": "user", "content": "Three colours, please."},
        output_config={
            "format": {
                "type": "json_schema",
                "schema": {
                    "type": "object",
                    "properties": {"colours": {"type": "array", "items": {"type": "string"}}},
                    "required": ["colours"],
                    "additionalProperties": False,
                },
            }
        },
    ),
}
COUNT_REQUESTS = {"The smallest": {"model": AUTO, "messages": [_HELLO]}}


def _usage(input_tokens: int, output_tokens: int, credits_consumed: int) -> dict[str, int]:
    return {
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "credits_consumed": credits_consumed,
    }


def _message(model: str, block: dict[str, Any], reason: str, usage: dict[str, int]) -> Schema:
    return {
        "id": _MESSAGE_ID,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [block],
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": usage,
    }


MESSAGES: dict[str, dict[str, Any]] = {
    "Text": _message("caicaini/swift", _text(_ANSWER), "end_turn", _usage(14, 23, 12)),
    "A tool call": _message("anthropic/claude-sonnet", _CALL, "tool_use", _usage(380, 54, 215)),
}


def _event(kind: str, **members: Any) -> dict[str, str]:
    data = msgspec.json.encode({"type": kind, **members}).decode()
    return {"event": kind, "data": data}


_STARTED = MESSAGES["Text"] | {
    "content": [],
    "stop_reason": None,
    "usage": {
        "input_tokens": 14,
        "output_tokens": 0,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
    },
}
# A complete answer, event by event.
STREAM: tuple[dict[str, str], ...] = (
    _event("message_start", message=_STARTED),
    _event("content_block_start", index=0, content_block=_text("")),
    _event("content_block_delta", index=0, delta={"type": "text_delta", "text": _ANSWER}),
    _event("content_block_stop", index=0),
    _event(
        "message_delta",
        delta={"stop_reason": "end_turn", "stop_sequence": None},
        usage=_usage(14, 23, 12) | {"credits_remaining": 499_988},
    ),
    _event("message_stop"),
)

MODEL: dict[str, Any] = {
    "id": "caicaini/swift",
    "type": "model",
    "display_name": "Caicaini Swift",
    "created_at": "2026-11-01T08:00:00Z",
    "lifecycle": "active",
    "max_input_tokens": 8192,
    "max_tokens": 2048,
    "capabilities": capabilities.described(frozenset()),
    "credits_per_million_tokens": {
        "input": 100_000,
        "output": 450_000,
        "cache_write": 125_000,
        "cache_read": 10_000,
    },
}
MODEL_PAGE: dict[str, Any] = {
    "data": [MODEL],
    "has_more": False,
    "first_id": MODEL["id"],
    "last_id": MODEL["id"],
}
CREDITS: dict[str, Any] = {
    "object": "credits",
    "pool": "api",
    "available": 499_988,
    "held": 0,
    "posted": 499_988,
    "owed": 0,
    "burn_per_hour": 1_200,
    "runs_dry_at": "2026-12-09T18:09:00Z",
    "credits_per_usd": 100_000,
}
USAGE: dict[str, Any] = {
    "object": "usage",
    "bucket": "1d",
    "time_zone": "UTC",
    "from": "2026-11-22T00:00:00Z",
    "to": "2026-11-22T09:30:00Z",
    "data": [
        {
            "starts_at": "2026-11-22T00:00:00Z",
            "ends_at": "2026-11-23T00:00:00Z",
            "model": "caicaini/swift",
            "requests": 1,
            "refusals": 0,
            "errors": 0,
            "input_tokens": 14,
            "output_tokens": 23,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "credits_consumed": 12,
        }
    ],
    "has_more": False,
    "next_cursor": None,
}
RECEIPT: dict[str, Any] = {
    "object": "request",
    "id": REQUEST_ID,
    "accepted_at": "2026-11-22T09:29:58.120000Z",
    "status": 200,
    "ending": "completed",
    "source": "api",
    "requested_model": AUTO,
    "resolved_model": "caicaini/swift",
    "route": "caicaini/swift",
    "stop_reason": "end_turn",
    "stream": False,
    "error": None,
    "refusals": None,
    "key_id": 1,
    "session_id": "2f0c8a52-nightly-report",
    "session": {
        "requests": 3,
        "refusals": 0,
        "errors": 0,
        "input_tokens": 61,
        "output_tokens": 118,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "credits_consumed": 60,
    },
    "user_id": "customer-4711",
    "tags": [],
    "usage": {
        "input_tokens": 14,
        "output_tokens": 23,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "is_estimated": False,
    },
    "lines": [
        {
            "class": "input",
            "model": "caicaini/swift",
            "tokens": 14,
            "credits_per_million_tokens": 100_000,
            "price_from": "2026-11-01T00:00:00Z",
            "microcredits": 1_400_000,
        },
        {
            "class": "output",
            "model": "caicaini/swift",
            "tokens": 23,
            "credits_per_million_tokens": 450_000,
            "price_from": "2026-11-01T00:00:00Z",
            "microcredits": 10_350_000,
        },
    ],
    "microcredits": 11_750_000,
    "credits_consumed": 12,
    "credits_lost": 0,
    "hold": {
        "amount": 160,
        "released": 148,
        "balance_before": 500_000,
        "balance_after": 499_988,
    },
    "ledger_entry": {"number": 2, "created_at": "2026-11-22T09:29:58.410000Z"},
    "attempts": [
        {
            "model": "caicaini/swift",
            "started_ms": 5,
            "duration_ms": 280,
            "status": 200,
            "error": None,
        }
    ],
    "timings_ms": {"queue": 1, "hold": 3, "first_byte": None, "total": 290},
    "alternatives": [],
}
