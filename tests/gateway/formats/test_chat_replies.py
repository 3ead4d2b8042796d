"""Non-streaming chat completions are decoded into replies."""

from typing import Any

import pytest

from gateway.errors import (
    InvalidToolInput,
    UpstreamEmpty,
    UpstreamFailed,
    UpstreamOverloaded,
)
from gateway.formats.thought_seal import Thought, seal
from gateway.reply import token_usage
from gateway.reply.events import Reply, Usage
from tests.support.chat_completions import FORMAT, called, decoded, request


def test_a_complete_completion_is_a_reply():
    message = {
        "role": "assistant",
        "reasoning_content": "hm",
        "content": "é\u2028",
        "tool_calls": [called("clock", '{"zone": "UTC"}'), called("bell", "", "b")],
    }
    assert decoded(message, finish_reason="tool_calls") == Reply(
        [
            {
                "type": "thinking",
                "thinking": "hm",
                "signature": seal(Thought(0, "reasoning_content")),
            },
            {"type": "text", "text": "é\u2028"},
            {"type": "tool_use", "id": "a", "name": "clock", "input": {"zone": "UTC"}},
            {"type": "tool_use", "id": "b", "name": "bell", "input": {}},
        ],
        "tool_use",
        None,
        Usage(10, 5),
    )


def test_reasoning_has_two_names_and_is_taken_once():
    for message in (
        {"content": "a", "reasoning": "hm"},
        {"content": "a", "reasoning": "hm", "reasoning_content": "hm"},
        {"content": "a", "reasoning": "hm", "reasoning_content": None},
        {
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                {"type": "text", "text": "a"},
            ]
        },
    ):
        assert [block["type"] for block in decoded(message).content] == ["thinking", "text"]
        assert decoded(message).content[0]["thinking"] == "hm"


@pytest.mark.parametrize("message", [{}, {"content": None}, {"content": ""}, {"tool_calls": []}])
def test_nothing_is_one_empty_text_unless_output_was_counted(message: dict[str, Any]):
    nothing = {"prompt_tokens": 10, "completion_tokens": 0}
    assert decoded(message, usage=nothing).content == [{"type": "text", "text": ""}]
    with pytest.raises(UpstreamEmpty):
        decoded(message)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", {}),
        (None, {}),
        ("null", {}),
        ("{}", {}),
        ('{"a": 1}', {"a": 1}),
        ({"a": 1}, {"a": 1}),
        ('"{\\"a\\": 1}"', {"a": 1}),
        ("[]", {}),
        ('{"a": "1\n2"}', {"a": "1\n2"}),
        ('{"a": "C:\\dir"}', {"a": "C:\\dir"}),
        ('{"a": [1, 2,], }', {"a": [1, 2]}),
        ('{"a": "\\ud83d"}', {"a": "?"}),
    ],
)
def test_arguments_are_always_an_object(arguments: Any, expected: dict[str, Any]):
    assert decoded({"tool_calls": [called("x", arguments)]}).content[0]["input"] == expected


@pytest.mark.parametrize("arguments", ['{"a": ', "[1]", "nonsense", '{"a" 1}', "7", '{"a": NaN}'])
def test_arguments_that_are_no_object_are_a_fault_unless_the_answer_is_cut(arguments: str):
    message = {"content": "Hi", "tool_calls": [called("x", "{}"), called("y", arguments, "b")]}

    for reason in ("stop", "tool_calls", None):
        with pytest.raises(InvalidToolInput):
            decoded(message, finish_reason=reason)

    cut = decoded(message, finish_reason="length")
    assert [block["type"] for block in cut.content] == ["text", "tool_use"]
    assert cut.content[1]["name"] == "x"
    assert cut.stop_reason == "max_tokens"


def test_missing_and_repeated_call_ids_are_replaced():
    calls = [called("x", "{}", call_id) for call_id in ("a", "a", "", None)]
    ids = [block["id"] for block in decoded({"tool_calls": calls}).content]
    assert ids[0] == "a"
    assert len(set(ids)) == 4


def test_calls_without_a_name_are_dropped():
    calls = [called("", "{}"), {"id": "x"}, None, "x", called("ok", "{}")]
    assert [block["name"] for block in decoded({"tool_calls": calls}).content] == ["ok"]


def test_the_deprecated_function_call_is_decoded():
    message = {"content": None, "function_call": {"name": "clock", "arguments": '{"a": 1}'}}
    reply = decoded(message, finish_reason="function_call")
    assert (reply.content[0]["name"], reply.content[0]["input"]) == ("clock", {"a": 1})
    assert reply.stop_reason == "tool_use"


CALLED = {"tool_calls": [called("x", "{}")]}
ANSWER = {"content": "one two"}
INPUT_ESTIMATE = token_usage.estimate_tokens(request().text_bytes)


@pytest.mark.parametrize(
    ("message", "reason", "choice", "expected"),
    [
        (ANSWER, "stop", {}, ("end_turn", None)),
        (ANSWER, "eos", {}, ("end_turn", None)),
        (ANSWER, None, {}, ("end_turn", None)),
        (ANSWER, "length", {}, ("max_tokens", None)),
        (ANSWER, "content_filter", {}, ("refusal", None)),
        (ANSWER, "tool_calls", {}, ("end_turn", None)),
        (CALLED, "tool_calls", {}, ("tool_use", None)),
        (CALLED, "function_call", {}, ("tool_use", None)),
        (CALLED, "stop", {}, ("tool_use", None)),
        (CALLED, None, {}, ("tool_use", None)),
        (CALLED, "length", {}, ("max_tokens", None)),
        ({"refusal": "I will not"}, "stop", {}, ("refusal", None)),
        (ANSWER, "stop", {"stop_reason": "END"}, ("stop_sequence", "END")),
        (ANSWER, "stop", {"stopping_word": "END"}, ("stop_sequence", "END")),
        (ANSWER, "stop", {"matched_stop": "END"}, ("stop_sequence", "END")),
        (ANSWER, "stop", {"matched_stop": 151645}, ("end_turn", None)),
        (ANSWER, "stop", {"stop_reason": "stop"}, ("end_turn", None)),
        ({"content": "one END"}, "stop", {}, ("stop_sequence", "END")),
        ({"content": "one END"}, "length", {}, ("max_tokens", None)),
    ],
)
def test_finish_reason_becomes_stop_reason(
    message: Any, reason: Any, choice: Any, expected: tuple[str, str | None]
):
    checked = request(stop_sequences=["THE", "END"])
    reply = decoded(message, checked=checked, finish_reason=reason, **choice)
    assert (reply.stop_reason, reply.stop_sequence) == expected


def test_a_refusal_is_text():
    assert decoded({"content": None, "refusal": "I will not"}).content == [
        {"type": "text", "text": "I will not"}
    ]


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 10, "completion_tokens": 5}, Usage(10, 5)),
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3},
                "completion_tokens_details": {"reasoning_tokens": 2},
            },
            Usage(3, 5, 3, 4, {"output_tokens_details": {"thinking_tokens": 2}}),
        ),
        (
            {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": None},
            Usage(10, 5),
        ),
        (
            {"prompt_tokens": 10, "completion_tokens": 5, "prompt_cache_hit_tokens": 8},
            Usage(2, 5, 0, 8),
        ),
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "prompt_tokens_details": {"cached_tokens": 99, "cache_write_tokens": 99},
            },
            Usage(0, 5, 0, 10),
        ),
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "prompt_tokens_details": {"cached_tokens": -4},
            },
            Usage(10, 5),
        ),
        ({"prompt_tokens": 10.0, "completion_tokens": 5.0}, Usage(10, 5)),
    ],
)
def test_cached_tokens_are_no_part_of_the_input(usage: Any, expected: Usage):
    assert decoded(ANSWER, usage=usage).usage == expected


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        ({"prompt_tokens": 10}, (10, 2)),
        ({"completion_tokens": 5}, (INPUT_ESTIMATE, 5)),
        ({"prompt_tokens": -1, "completion_tokens": 5}, (INPUT_ESTIMATE, 5)),
        ({"prompt_tokens": 10, "completion_tokens": 2**31}, (10, 2)),
        ({"prompt_tokens": 0, "completion_tokens": 0}, (INPUT_ESTIMATE, 2)),
        ({"prompt_tokens": "ten", "completion_tokens": "-5"}, (INPUT_ESTIMATE, 2)),
        ("none", (INPUT_ESTIMATE, 2)),
    ],
)
def test_missing_or_impossible_usage_is_estimated(usage: Any, counts: tuple[int, int]):
    assert decoded(ANSWER, usage=usage).usage == Usage(*counts, is_estimated=True)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>busy</html>",
        b"[]",
        b"{}",
        b'{"choices": []}',
        b'{"choices": [5]}',
        b'{"choices": [{"message": "x"}]}',
        b'{"choices": [{"finish_reason": "error", "message": {"content": "x"}}]}',
        b'{"error": {"message": "boom"}}',
        b'{"error": "boom"}',
    ],
)
def test_an_invalid_completion_is_a_failure(body: bytes):
    with pytest.raises(UpstreamFailed):
        FORMAT.decode_reply(body, request=request())


def test_an_error_inside_a_success_is_an_error():
    body = b'{"error": {"code": 429, "message": "slow down"}}'
    with pytest.raises(UpstreamOverloaded):
        FORMAT.decode_reply(body, request=request())
