"""A `max_tokens` that is too large, in the words of each server.

Those that name no number for what was sent allow fewer tokens than each call asks for.
"""
# ruff: noqa: E501 (the servers' own words)

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.gateway.faults.habits import in_the_asked_form
from tests.gateway.faults.refusals import midway
from tests.gateway.faults.table import (
    BROKE_OFF_REFUSED,
    CHAT_ONLY,
    MESSAGES_ONLY,
    REFUSED,
    Fault,
    in_every_format,
)
from tests.support.replies import answers, data_event


class OutputCap(NamedTuple):
    """What a server answers, the most that it allows, and what was sent as far as it says so."""

    server: str
    error: dict[str, Any]
    limit: int
    sent: int = 100


def _refused(server: str, words: str, limit: int, sent: int = 100) -> OutputCap:
    return OutputCap(server, {"message": words, "type": "invalid_request_error"}, limit, sent)


_OF_OPENAI = "max_tokens is too large: 32000. This model supports at most 4096 completion tokens, whereas you provided 32000."
OUTPUT_CAPS = [
    _refused("OpenAI", _OF_OPENAI, 4096, 32_000),
    _refused(
        "OpenAI, of an integer",
        "Invalid 'max_tokens': integer above maximum value. Expected a value <= 4096, but got 32000 instead.",
        4096,
        32_000,
    ),
    _refused("DeepSeek", "Invalid max_tokens value, the valid range of max_tokens is [1, 64]", 64),
    _refused(
        "Groq",
        "`max_tokens` must be less than or equal to `64`, the maximum value for `max_tokens` is less than the `context_window` for this model",
        64,
    ),
    _refused(
        "Anthropic",
        "max_tokens: 32000 > 8192, which is the maximum allowed number of output tokens for a-name-for-insiders",
        8192,
        32_000,
    ),
    OutputCap(
        "Alibaba Cloud",
        {
            "code": "invalid_parameter_error",
            "param": None,
            "message": "<400> InternalError.Algo.InvalidParameter: Range of max_tokens should be [1, 64]",
            "type": "invalid_request_error",
        },
        64,
    ),
    OutputCap(
        "Volcengine",
        {
            "code": "InvalidParameter",
            "message": "The parameter `max_tokens` specified in the request is not valid: integer above maximum value, expected a value <= 32768, but got 64000 instead.",
            "param": "max_tokens",
            "type": "BadRequest",
        },
        32_768,
        64_000,
    ),
    OutputCap(
        "Bedrock",
        {
            "message": "The maximum tokens you requested exceeds the model limit of 64. Try again with a maximum tokens value that is lower than 64."
        },
        64,
    ),
    OutputCap(
        "Gemini",
        {
            "code": 400,
            "message": "Unable to submit request because it has a maxOutputTokens value of 655360 but the supported range is from 1 (inclusive) to 8193 (exclusive). Update the value and try again.",
            "status": "INVALID_ARGUMENT",
        },
        8192,
        655_360,
    ),
    OutputCap(
        "TGI",
        {
            "message": "Input validation error: `max_new_tokens` must be <= 512. Given: 1000",
            "type": "validation",
        },
        512,
        1000,
    ),
    OutputCap(
        "Xiaomi MiMo",
        {
            "message": "Param Incorrect",
            "type": "upstream_error",
            "param": _OF_OPENAI,
            "code": "400",
        },
        4096,
        32_000,
    ),
    OutputCap(
        "OpenRouter, quoting a provider",
        {
            "message": "Provider returned error",
            "code": 400,
            "metadata": {"raw": json.dumps({"error": {"message": _OF_OPENAI}})},
        },
        4096,
        32_000,
    ),
    OutputCap(
        "LiteLLM, quoting a provider",
        {
            "message": f"litellm.BadRequestError: OpenAIException - {_OF_OPENAI}",
            "type": None,
            "param": None,
            "code": "400",
        },
        4096,
        32_000,
    ),
]


def _faults() -> Iterator[Fault]:
    """As a status, inside a success and midway. The message names the caller's model."""
    for cap in OUTPUT_CAPS:
        for ways in (MESSAGES_ONLY, CHAT_ONLY):
            wire = ways[0].wire
            message = (
                f"max_tokens: {cap.sent} > {cap.limit}, which is the maximum allowed number of "
                f"output tokens for {wire.model}"
            )
            body = {"error": cap.error}
            raw = json.dumps(body).encode()
            refused, name = REFUSED.saying(message), f"{cap.server}, {wire.path}"
            yield Fault(
                f"max_tokens too large: {name}",
                in_every_format(answers(raw, status=400)),
                refused,
                ways,
            )
            yield Fault(
                f"max_tokens too large, inside a success: {name}",
                in_every_format(in_the_asked_form(raw, data_event(body))),
                refused,
                ways,
            )
            yield Fault(
                f"max_tokens too large, midway: {name}",
                midway(cap.error),
                BROKE_OFF_REFUSED.saying(message),
                ways[1:],
            )


FAULTS = [*_faults()]
