"""An invalid body is rejected with the place and the reason; a valid one passes unchanged."""

import json
from typing import Any

import pytest

from gateway.errors import InvalidRequest, ThreadNotFound
from gateway.request import parse
from tests.support.request_bodies import (
    BREAKPOINT,
    CALL,
    IMAGE,
    MINIMAL,
    OPTIONAL,
    RESULT,
    TEXT,
    TOOL,
    assistant,
    parsed,
    rejection,
    user,
)


def test_a_minimal_request_is_read():
    request = parsed()
    assert (request.model, request.max_tokens, request.stream) == ("caicaini/auto", 16, False)
    assert request.needs == frozenset()
    assert request.fields == MINIMAL
    assert request.body_bytes == len(json.dumps(MINIMAL))


def test_a_whole_number_may_be_written_with_a_fraction_of_zero():
    thinking = {"type": "enabled", "budget_tokens": 1024.0}

    request = parsed(max_tokens=2048.0, top_k=40.0, thinking=thinking)

    assert type(request.max_tokens) is int
    assert "." not in json.dumps(request.fields)
    assert rejection(max_tokens=1e300).startswith("max_tokens: Input should be less than")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b'{"a": NaN}', "not valid JSON"),
        (b'{"a": -Infinity}', "not valid JSON"),
        (b'{"a": 1e999}', "not valid JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not valid JSON"),
        (b'{"a": "\\ud800"}', "not valid JSON"),
        (b"{} {}", "not valid JSON"),
        (b'{"a": "\xff\xfe"}', "not valid UTF-8"),
        (b'{"a": "\xed\xa0\x80"}', "not valid UTF-8"),
        (b"[" * 1_000_000, "nested too deeply"),
        (b'{"a":' * 1_000_000, "nested too deeply"),
        (b"[]", "should be a JSON object"),
        (b"null", "should be a JSON object"),
        (b'"model"', "should be a JSON object"),
    ],
    ids=lambda value: value[:24],
)
def test_a_body_that_is_no_json_object_is_rejected(body: bytes, reason: str):
    for parse_body in (parse.messages_request, parse.count_request):
        with pytest.raises(InvalidRequest, match=reason):
            parse_body(body)


@pytest.mark.parametrize("name", ["model", "max_tokens", "messages"])
def test_a_missing_field_is_named(name: str):
    body = {key: value for key, value in MINIMAL.items() if key != name}
    with pytest.raises(InvalidRequest) as caught:
        parse.messages_request(json.dumps(body).encode())
    assert caught.value.message == f"{name}: Field required"


WRONG = [
    ({"model": 5}, "model: Input should be a valid string"),
    ({"model": ""}, "model: String should have at least 1 character"),
    ({"model": "m" * 257}, "model: String should have at most 256 characters"),
    ({"max_tokens": "16"}, "max_tokens: Input should be a valid integer"),
    ({"max_tokens": True}, "max_tokens: Input should be a valid integer"),
    ({"max_tokens": 1.5}, "max_tokens: Input should be a valid integer"),
    ({"max_tokens": None}, "max_tokens: Input should be a valid integer"),
    ({"max_tokens": -1}, "max_tokens: Input should be greater than or equal to 0"),
    (
        {"max_tokens": 2**53},
        "max_tokens: Input should be less than or equal to 9007199254740991",
    ),
    ({"stream": "true"}, "stream: Input should be a valid boolean"),
    ({"stream": 1}, "stream: Input should be a valid boolean"),
    ({"temperature": "hot"}, "temperature: Input should be a valid number"),
    ({"temperature": False}, "temperature: Input should be a valid number"),
    ({"temperature": 1.01}, "temperature: Input should be less than or equal to 1"),
    ({"temperature": -0.1}, "temperature: Input should be greater than or equal to 0"),
    ({"top_p": 2}, "top_p: Input should be less than or equal to 1"),
    ({"top_k": -1}, "top_k: Input should be greater than or equal to 0"),
    ({"top_k": 0.5}, "top_k: Input should be a valid integer"),
    ({"stop_sequences": "stop"}, "stop_sequences: Input should be a valid array"),
    ({"stop_sequences": ["a", 1]}, "stop_sequences.1: Input should be a valid string"),
    (
        {"stop_sequences": [""]},
        "stop_sequences: each stop sequence must contain non-whitespace",
    ),
    ({"metadata": "me"}, "metadata: Input should be an object"),
    ({"metadata": {"user_id": 5}}, "metadata.user_id: Input should be a valid string"),
    ({"service_tier": 1}, "service_tier: Input should be a valid string"),
    ({"context_management": []}, "context_management: Input should be an object"),
    ({"thinking": True}, "thinking: Input should be an object"),
    ({"thinking": {}}, "thinking.type: Field required"),
    (
        {"thinking": {"type": "on"}},
        "thinking.type: Input should be 'enabled', 'adaptive', 'disabled' or 'between_tools'",
    ),
    ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens: Field required"),
    (
        {"thinking": {"type": "enabled", "budget_tokens": 0}},
        "thinking.budget_tokens: Input should be greater than or equal to 1",
    ),
    ({"output_config": []}, "output_config: Input should be an object"),
    ({"output_config": {"effort": 3}}, "output_config.effort: Input should be a valid string"),
    ({"output_config": {"format": {}}}, "output_config.format.type: Field required"),
    (
        {"output_config": {"format": {"type": "json_schema"}}},
        "output_config.format.schema: Field required",
    ),
    (
        {"output_format": {"type": "json_schema", "schema": "x"}},
        "output_format.schema: Input should be an object",
    ),
    ({"thread": False}, "thread: Input should be an object"),
    ({"thread": {}}, "thread.type: Field required"),
    ({"thread": {"type": "fork"}}, "thread.type: Input should be 'create' or 'continue'"),
    ({"system": 5}, "system: Input should be a valid string or array"),
    ({"system": ["x"]}, "system.0: Input should be an object"),
    ({"system": [{"type": "text"}]}, "system.0.text: Field required"),
    (
        {"system": [TEXT, {"type": "image", "source": {"type": "url", "url": "http://10.0.0.1/"}}]},
        "system.1: `image` blocks can only be in `user` messages",
    ),
    (
        {"system": [{"type": "document", "source": {"type": "url", "url": "http://10.0.0.1/"}}]},
        "system.0: `document` blocks can only be in `user` or `assistant` messages",
    ),
    (
        {"messages": [{"role": "system", "content": [{"type": "document", "source": {}}]}]},
        "messages.0.content.0: `document` blocks can only be in `user` or `assistant` messages",
    ),
    ({"messages": {}}, "messages: Input should be a valid array"),
    ({"messages": []}, "messages: at least one message is required"),
    ({"messages": ["hi"]}, "messages.0: Input should be an object"),
    ({"messages": [{"content": "x"}]}, "messages.0.role: Field required"),
    ({"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
    (
        {"messages": [{"role": "user", "content": None}]},
        "messages.0.content: Input should be a valid string or array",
    ),
    ({"messages": [user("hi")]}, "messages.0.content.0: Input should be an object"),
    ({"messages": [user({"text": "hi"})]}, "messages.0.content.0.type: Field required"),
    (
        {"messages": [user({"type": 1})]},
        "messages.0.content.0.type: Input should be a valid string",
    ),
    ({"messages": [user({"type": "text"})]}, "messages.0.content.0.text: Field required"),
    (
        {"messages": [user(TEXT | {"text": None})]},
        "messages.0.content.0.text: Input should be a valid string",
    ),
    (
        {"messages": [user(TEXT | {"citations": "x"})]},
        "messages.0.content.0.citations: Input should be a valid array",
    ),
    (
        {"messages": [user(TEXT), assistant(TEXT), user(TEXT, {"type": "image"})]},
        "messages.2.content.1.source: Field required",
    ),
    (
        {"messages": [user({"type": "document", "source": {"type": "text"}})]},
        "messages.0.content.0.source.data: Field required",
    ),
    (
        {"messages": [user({"type": "search_result", "source": "s", "title": "t"})]},
        "messages.0.content.0.content: Field required",
    ),
    (
        {"messages": [user(CALL)]},
        "messages.0.content.0: `tool_use` blocks can only be in `assistant` messages",
    ),
    (
        {"messages": [assistant(IMAGE)]},
        "messages.0.content.0: `image` blocks can only be in `user` messages",
    ),
    (
        {"messages": [user(TEXT), assistant(CALL | {"input": "{}"})]},
        "messages.1.content.0.input: Input should be an object",
    ),
    (
        {"messages": [user(TEXT), assistant({"type": "thinking"})]},
        "messages.1.content.0.thinking: Field required",
    ),
    (
        {"messages": [user(TEXT), assistant({"type": "redacted_thinking", "data": 1})]},
        "messages.1.content.0.data: Input should be a valid string",
    ),
    (
        {"messages": [assistant(CALL), user(RESULT | {"is_error": "no"})]},
        "messages.1.content.0.is_error: Input should be a valid boolean",
    ),
    (
        {"messages": [assistant(CALL), user(RESULT | {"content": 5})]},
        "messages.1.content.0.content: Input should be a valid string or array",
    ),
    (
        {"messages": [assistant(CALL), user(RESULT | {"content": [{"type": "image"}]})]},
        "messages.1.content.0.content.0.source: Field required",
    ),
    ({"tools": {}}, "tools: Input should be a valid array"),
    ({"tools": [5]}, "tools.0: Input should be an object"),
    ({"tools": [{"input_schema": {}}]}, "tools.0.name: Field required"),
    ({"tools": [{"name": "a"}]}, "tools.0.input_schema: Field required"),
    ({"tools": [TOOL | {"input_schema": "x"}]}, "tools.0.input_schema: Input should be an object"),
    ({"tools": [TOOL, TOOL]}, "tools.1.name: Tool names must be unique"),
    ({"tools": [TOOL | {"type": 5}]}, "tools.0.type: Input should be a valid string"),
    ({"tools": [TOOL | {"strict": 1}]}, "tools.0.strict: Input should be a valid boolean"),
    (
        {"tools": [TOOL | {"name": "a b"}]},
        "tools.0.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'",
    ),
    ({"tool_choice": "auto"}, "tool_choice: Input should be an object"),
    ({"tool_choice": {}}, "tool_choice.type: Field required"),
    (
        {"tool_choice": {"type": "some"}},
        "tool_choice.type: Input should be 'auto', 'any', 'tool' or 'none'",
    ),
    ({"tools": [TOOL], "tool_choice": {"type": "tool"}}, "tool_choice.name: Field required"),
    (
        {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "x"}},
        "tool_choice: Tool 'x' not found in provided tools",
    ),
    (
        {"tool_choice": {"type": "auto", "disable_parallel_tool_use": 1}},
        "tool_choice.disable_parallel_tool_use: Input should be a valid boolean",
    ),
    (
        {"cache_control": {"type": "forever"}},
        "cache_control.type: Input should be 'ephemeral'",
    ),
    (
        {"messages": [user(TEXT | {"cache_control": {"type": "ephemeral", "ttl": "1d"}})]},
        "messages.0.content.0.cache_control.ttl: Input should be '5m' or '1h'",
    ),
]


@pytest.mark.parametrize(("fields", "message"), WRONG, ids=lambda value: str(value)[:60])
def test_a_wrong_value_is_rejected_with_its_place(fields: dict[str, Any], message: str):
    assert rejection(**fields) == message


@pytest.mark.parametrize("role", ["tool", "", 5, None, ["user"]])
def test_an_unknown_role_is_rejected_with_the_message_clients_match(role: Any):
    message = rejection(messages=[{"role": role, "content": "x"}])
    assert message.startswith("messages.0.role: Input should be 'user' or 'assistant'")


def test_continuing_a_stored_conversation_is_rejected():
    assert parsed(thread={"type": "create"}).fields == parsed().fields
    with pytest.raises(ThreadNotFound):
        parsed(thread={"type": "continue", "previous_message_id": "msg_1"})


@pytest.mark.parametrize("name", OPTIONAL)
def test_null_means_not_set(name: str):
    request = parsed(**{name: None})
    assert request.fields == MINIMAL
    assert request.stream is False


RIGHT = [
    {"max_tokens": 0},
    {"max_tokens": 128_000},
    {"temperature": 0, "top_p": 1, "top_k": 0},
    {"stop_sequences": []},
    {"stop_sequences": ["\n", "END"]},
    {"metadata": {"user_id": None, "other": 1}},
    {"thinking": {"type": "enabled", "budget_tokens": 50}},
    {"thinking": {"type": "adaptive", "display": "updates"}},
    {"thinking": {"type": "disabled"}},
    {"output_config": {"effort": "xhigh", "task_budget": {}}},
    {"service_tier": "standard_only", "speed": "fast"},
    {"context_management": {"edits": [{"type": "clear_thinking_20251015"}]}},
    {"betas": ["x"], "container": "c", "mcp_servers": [], "fallbacks": [], "what": {"is": "this"}},
    {"system": ""},
    {"system": [TEXT | BREAKPOINT, {"type": "future", "x": 1}]},
    {"messages": [{"role": "assistant", "content": "I begin"}]},
    {"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]},
    {"messages": [{"role": "user", "content": "a"}, {"role": "system", "content": "be brief"}]},
    {"messages": [{"role": "system", "content": [TEXT, {"type": "tool_addition", "tool": {}}]}]},
    {"messages": [user(TEXT), assistant(TEXT)]},
    {"messages": [user({"type": "container_upload", "file_id": "f"})]},
    {"messages": [user(TEXT), assistant({"type": "server_tool_use", "id": "s", "name": "web"})]},
    {"messages": [user(TEXT), assistant({"type": "thinking", "thinking": "hm"})]},
    {"messages": [assistant(CALL), user({"type": "tool_result", "tool_use_id": "call_1"})]},
    {"messages": [assistant(CALL), user(TEXT, RESULT)]},
    {"messages": [assistant(CALL), user(RESULT | {"content": [{"type": "tool_reference"}]})]},
    {"tools": [TOOL | {"type": "custom", "description": None, "defer_loading": True}]},
    {"tools": [{"type": "web_search_20260209", "name": "web_search"}, {"type": "toolset_x"}]},
    {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "clock"}},
    {"tools": [TOOL], "tool_choice": {"type": "any", "disable_parallel_tool_use": True}},
]


@pytest.mark.parametrize("fields", RIGHT, ids=lambda value: str(value)[:60])
def test_what_real_clients_send_passes_unchanged(fields: dict[str, Any]):
    assert parsed(**fields).fields == MINIMAL | fields


def test_a_tool_choice_without_tools_is_ignored():
    assert "tool_choice" not in parsed(tool_choice={"type": "any"}).fields
    assert "tool_choice" not in parsed(tool_choice={"type": "any"}, tools=[]).fields
