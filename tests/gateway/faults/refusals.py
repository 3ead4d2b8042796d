"""Prompts that are too long and a `max_tokens` that is too large, in the words of each server.

`expected` has the numbers that the message gives: sent and limit, or input, output and limit. None
means that it gives none, and that they come from the call and the catalogue.
"""
# ruff: noqa: E501 (the servers' own words)

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from tests.gateway.faults.table import (
    BROKE_OFF_REFUSED,
    EVERY_WAY,
    REFUSED,
    STREAMED,
    TOO_LARGE,
    Fault,
    Outcome,
    WireFormat,
    in_every_format,
)
from tests.support.replies import answers, streams, wait
from tests.support.scripted_upstream import Play

Numbers = tuple[int, ...] | None
_CONTEXT = 200_000  # of the scripted models in the catalogue
_MAX_TOKENS = 100  # of each call


class TooLong(NamedTuple):
    """What a server answers to a prompt that is too long."""

    server: str
    status: int
    body: Any
    expected: Numbers


TOO_LONG = [
    TooLong(
        "OpenAI",
        400,
        {
            "error": {
                "message": "This model's maximum context length is 128000 tokens. However, your messages resulted in 140000 tokens. Please reduce the length of the messages.",
                "type": "invalid_request_error",
                "code": "context_length_exceeded",
            }
        },
        (140000, 128000),
    ),
    TooLong(
        "OpenAI responses",
        400,
        {
            "error": {
                "message": "Your input exceeds the context window of this model. Please adjust your input and try again.",
                "type": "invalid_request_error",
                "code": "context_length_exceeded",
            }
        },
        None,
    ),
    TooLong(
        "Gemini",
        400,
        {
            "error": {
                "message": "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
                "code": 400,
                "status": "INVALID_ARGUMENT",
            }
        },
        (1200000, 1048576),
    ),
    TooLong(
        "Gemini, as a list",
        400,
        [
            {
                "error": {
                    "message": "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
                    "code": 400,
                    "status": "INVALID_ARGUMENT",
                }
            }
        ],
        (1200000, 1048576),
    ),
    TooLong(
        "Mistral",
        400,
        {
            "object": "error",
            "message": "Prompt contains 65673 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
            "type": "invalid_request_error",
            "code": "3051",
        },
        (65673, 32768),
    ),
    TooLong(
        "Groq",
        400,
        {
            "error": {
                "message": "Please reduce the length of the messages or completion.",
                "type": "invalid_request_error",
                "param": "messages",
                "code": "context_length_exceeded",
            }
        },
        None,
    ),
    TooLong(
        "Cerebras",
        400,
        {
            "message": "Please reduce the length of the messages or completion. Current length is 8193 while limit is 8192",
            "type": "invalid_request_error",
            "param": "messages",
            "code": "context_length_exceeded",
        },
        (8193, 8192),
    ),
    TooLong(
        "Moonshot",
        400,
        {
            "error": {
                "message": "Invalid request: Your request exceeded model token limit: 262144 (requested: 300000)",
                "type": "invalid_request_error",
            }
        },
        (300000, 262144),
    ),
    TooLong(
        "z.ai",
        400,
        {"error": {"code": "1261", "message": "Prompt exceeds max length"}},
        None,
    ),
    TooLong(
        "MiniMax",
        400,
        {
            "type": "error",
            "error": {
                "type": "invalid_request_error",
                "message": "invalid params, context window exceeds limit (2013)",
            },
        },
        None,
    ),
    TooLong(
        "DeepSeek",
        400,
        {
            "error": {
                "message": "This model's maximum context length is 131072 tokens. However, you requested 140000 tokens (135904 in the messages, 4096 in the completion). Please reduce the length of the messages or completion.",
                "type": "invalid_request_error",
                "code": "invalid_request_error",
            }
        },
        (135904, 131072),
    ),
    TooLong(
        "OpenRouter",
        400,
        {
            "error": {
                "message": 'This endpoint\'s maximum context length is 131072 tokens. However, you requested about 200000 tokens (195904 of text input, 4096 in the output). Please reduce the length of either one, or use the "middle-out" transform to compress your prompt automatically.',
                "code": 400,
            }
        },
        (195904, 131072),
    ),
    TooLong(
        "Bedrock",
        400,
        {"message": "Input is too long for requested model."},
        None,
    ),
    TooLong(
        "Ollama",
        400,
        {
            "error": {
                "message": "prompt too long; exceeded max context length by 4 tokens",
                "type": "api_error",
            }
        },
        None,
    ),
    TooLong(
        "Together",
        422,
        {
            "error": {
                "message": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8193. Given: 9000 `inputs` tokens and 512 `max_new_tokens`",
                "type": "invalid_request_error",
            }
        },
        (9000, 8193),
    ),
    TooLong(
        "LM Studio",
        400,
        {
            "error": "Trying to keep the first 9000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough."
        },
        (9000, 4096),
    ),
    TooLong(
        "vLLM",
        400,
        {
            "error": {
                "message": "This model's maximum context length is 8192 tokens. However, your request has 9000 input tokens. Please reduce the length of the input messages.",
                "type": "BadRequestError",
                "code": 400,
            }
        },
        (9000, 8192),
    ),
    TooLong(
        "llama.cpp",
        400,
        {
            "error": {
                "code": 400,
                "message": "the request exceeds the available context size, try increasing it",
                "type": "exceed_context_size_error",
                "n_prompt_tokens": 9000,
                "n_ctx": 8192,
            }
        },
        (9000, 8192),
    ),
    TooLong(
        "SGLang/CCR total",
        400,
        {
            "object": "error",
            "type": "BadRequestError",
            "message": "Requested token count exceeds the model's maximum context length of 262144 tokens. You requested a total of 262462 tokens: 230462 tokens from the input messages and 32000 tokens for the completion.",
        },
        (230462, 32000, 262144),
    ),
    TooLong(
        "ds4-server",
        400,
        {
            "error": {
                "message": "Prompt has 256468 tokens, but the configured context size is 256000 tokens",
                "type": "invalid_request_error",
            }
        },
        (256468, 256000),
    ),
    TooLong(
        "vLLM, 0 output",
        400,
        {
            "error": {
                "message": "This model's maximum context length is 262144 tokens. However, you requested 0 output tokens and your prompt contains at least 262145 input tokens, for a total of at least 262145 tokens.",
                "type": "BadRequestError",
                "code": 400,
            }
        },
        (262145, 262144),
    ),
    TooLong(
        "SiliconFlow",
        400,
        {
            "code": 20015,
            "message": "number of input tokens (204703) has exceeded max_prompt_tokens (202752) limit.",
            "data": None,
        },
        (204703, 202752),
    ),
    TooLong(
        "code max_tokens_exceeded",
        422,
        {"error": {"message": "Too many tokens", "code": "max_tokens_exceeded"}},
        None,
    ),
    TooLong(
        "OpenRouter with tools",
        400,
        {
            "error": {
                "message": "This endpoint's maximum context length is 262144 tokens. However, you requested about 284283 tokens (8963 of text input, 13176 of tool input, 262144 in the output). Please reduce the length of either one.",
                "code": 400,
            }
        },
        (22139, 262144, 262144),
    ),
]
OUTPUT_CAPS: list[tuple[str, str, int | None]] = [
    (
        "OpenAI",
        "max_tokens is too large: 32000. This model supports at most 4096 completion tokens, "
        "whereas you provided 32000.",
        4096,
    ),
    ("a range", "Invalid max_tokens value, the valid range of max_tokens is [1, 64]", None),
    ("Groq", "`max_tokens` must be less than or equal to `64`, the maximum value", None),
]


def _wording(expected: Numbers) -> str:
    if expected is None:
        return f"prompt is too long: {_CONTEXT + 1} tokens > {_CONTEXT} maximum"
    if len(expected) == 2:
        return f"prompt is too long: {expected[0]} tokens > {expected[1]} maximum"
    sent, output, limit = expected
    return (
        f"input length and `max_tokens` exceed context limit: {sent} + {output} > {limit}, decrease "
        "input length or `max_tokens` and try again"
    )


def _too_long() -> Iterator[Fault]:
    for row in TOO_LONG:
        outcome = REFUSED.saying(_wording(row.expected))
        body = json.dumps(row.body).encode()
        yield _fault(f"too long: {row.server}", answers(body, status=row.status), outcome)
        error = row.body[0] if isinstance(row.body, list) else row.body
        inside = error if "error" in error else {"error": error}
        yield Fault(
            f"too long, inside a success: {row.server}",
            in_every_format(answers(json.dumps(inside).encode())),
            outcome,
        )
        yield Fault(
            f"too long, midway: {row.server}",
            _midway(inside["error"]),
            BROKE_OFF_REFUSED.saying(_wording(row.expected)),
            STREAMED,
        )


def _midway(error: Any) -> Callable[[WireFormat], Play]:
    return lambda wire: streams(*wire.beginning, wait, wire.in_band(error))


def _output_caps() -> Iterator[Fault]:
    for server, words, limit in OUTPUT_CAPS:
        most, sent = (limit, 32_000) if limit else (64, _MAX_TOKENS)
        body = json.dumps({"error": {"message": words, "type": "invalid_request_error"}}).encode()
        for name, model in (("messages", "scripted/messages"), ("chat", "scripted/chat")):
            message = (
                f"max_tokens: {sent} > {most}, which is the maximum allowed number of output tokens "
                f"for {model}"
            )
            ways = tuple(way for way in EVERY_WAY if way.wire.model == model)
            yield Fault(
                f"max_tokens too large, {server}, {name}",
                in_every_format(answers(body, status=400)),
                REFUSED.saying(message),
                ways,
            )


def _fault(name: str, play: Any, outcome: Outcome) -> Fault:
    return Fault(name, in_every_format(play), outcome)


FAULTS = [
    *_too_long(),
    *_output_caps(),
    _fault(
        "a body that the upstream finds too large",
        answers(b'{"error": {"message": "Request too large"}}', status=413),
        TOO_LARGE.saying("Request too large"),
    ),
    _fault(
        "a prompt that is too long, as a 413",
        answers(b'{"error": {"message": "Prompt has 9 tokens, context size is 8"}}', status=413),
        TOO_LARGE.saying("prompt is too long: 9 tokens > 8 maximum"),
    ),
    _fault(
        "a rate limit that counts tokens is not a long prompt",
        answers(
            b'{"error": {"message": "Rate limit: tokens per minute exceeded, 9000 > 8000"}}',
            status=400,
        ),
        REFUSED.saying("Rate limit: tokens per minute exceeded, 9000 > 8000"),
    ),
]
