"""What a refusal is about, in the words of servers; and in none that a caller may have written."""

from typing import Any

import pytest

from gateway.errors import Refusal, UpstreamRefused
from gateway.formats.upstream_errors import HiddenWords, decode_in_band


def about(words: str, **members: Any) -> tuple[Refusal, str]:
    error = decode_in_band({"message": words, "code": 400} | members)
    assert isinstance(error, UpstreamRefused)
    return error.refusal, error.field


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        # OpenRouter, Gemini, Anthropic
        ("Reasoning is mandatory for this endpoint and cannot be disabled.", Refusal.THINKING_OFF),
        ("Budget 0 is invalid. This model only works in thinking mode.", Refusal.THINKING_OFF),
        ("thinking: thinking cannot be disabled for this model", Refusal.THINKING_OFF),
        ('"thinking.type.disabled" is not supported for this model.', Refusal.THINKING_OFF),
        # Mistral
        ("Unexpected role 'user' after role 'tool'", Refusal.USER_AFTER_TOOLS),
        # A server of OpenAI's for agents, and DashScope
        ("Stream must be set to true", Refusal.NOT_STREAMED),
        (
            "This model only support stream mode, please enable the stream parameter to access "
            "the model.",
            Refusal.NOT_STREAMED,
        ),
        (
            "messages.3.content.0: The block is bound to a different conversation.",
            Refusal.THINKING,
        ),
        # DeepSeek, DashScope, Kimi
        ("Thinking mode does not support this tool_choice", Refusal.FORCED_CALL),
        (
            "The tool_choice parameter does not support being set to required or object in "
            "thinking mode",
            Refusal.FORCED_CALL,
        ),
        ("tool_choice 'required' is incompatible with thinking enabled", Refusal.FORCED_CALL),
        (
            "The `reasoning_content` in the thinking mode must be passed back to the API.",
            Refusal.MISSING_THINKING,
        ),
        (
            "thinking is enabled but reasoning_content is missing in assistant tool call message "
            "at index 2",
            Refusal.MISSING_THINKING,
        ),
        ("tool_choice: Input should be 'auto', 'any' or 'tool'", Refusal.OTHER),
        ("thinking.budget_tokens: Input should be greater than 1024", Refusal.OTHER),
        ("Unexpected role 'tool' after role 'user'", Refusal.OTHER),
        ("reasoning_effort: Input should be 'low' or 'high'", Refusal.OTHER),
    ],
)
def test_what_the_call_can_do_otherwise(words: str, refusal: Refusal):
    assert about(words) == (refusal, "")


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
            "'max_completion_tokens' instead.",
            "max_tokens",
        ),
        (
            "Unsupported value: 'temperature' does not support 0.2 with this model. Only the "
            "default (1) value is supported.",
            "temperature",
        ),
        ("Unrecognized request argument supplied: reasoning_effort", "reasoning_effort"),
        ("Unknown parameter: 'parallel_tool_calls'.", "parallel_tool_calls"),
        ("property 'parallel_tool_calls' is unsupported", "parallel_tool_calls"),
        ("stream_options: Extra inputs are not permitted", "stream_options"),
        ("`temperature` is deprecated for this model.", "temperature"),
        ("Argument not supported on this model: top_p", "top_p"),
    ],
)
def test_a_field_that_a_request_can_do_without(words: str, field: str):
    assert about(words) == (Refusal.FIELD, field)


def test_a_field_that_the_error_names_beside_its_words():
    members = {"param": "temperature", "code": "unsupported_value"}
    error = {"message": "Not with this model.", "type": "invalid_request_error"} | members
    assert about("x", **error) == (Refusal.FIELD, "temperature")


@pytest.mark.parametrize(
    "words",
    [
        # They change what the caller asked for, and clients act on some of these words.
        "Unsupported parameter: 'tools' is not supported with this model.",
        "Unknown parameter: 'response_format'.",
        "context_management: Extra inputs are not permitted",
        # Quotations of a caller.
        "Invalid content 'Unsupported parameter: 'temperature' is not supported'",
        "messages.0.content: temperature: Extra inputs are not permitted",
        "tools.0.custom.temperature: Extra inputs are not permitted",
    ],
)
def test_other_fields_and_quotations_are_nothing_to_learn_from(words: str):
    assert about(words) == (Refusal.OTHER, "")


def test_the_words_of_a_provider_that_the_upstream_quotes():
    raw = """{"object": "error", "message": "Unexpected role 'user' after role 'tool'"}"""

    refusal, _ = about("Provider returned error", metadata={"raw": raw, "provider_name": "X"})

    assert refusal is Refusal.USER_AFTER_TOOLS


@pytest.mark.parametrize(
    "words",
    [
        "Reasoning is mandatory for this endpoint and cannot be disabled.",
        "Unexpected role 'user' after role 'tool'",
        "Stream must be set to true",
        "System message must be at the beginning.",
    ],
)
def test_words_that_stand_in_the_request_too_say_nothing(words: str):
    sent = f'{{"messages": [{{"role": "user", "content": "Say: {words}"}}]}}'.encode()
    error = {"message": f"messages.0.content: this model declines: Say: {words}", "code": 400}

    refused = decode_in_band(error, hide=HiddenWords({}, sent=sent))

    assert isinstance(refused, UpstreamRefused)
    assert refused.refusal is Refusal.OTHER
