"""A request body that breaks the contract is refused with the place and the reason; no other is."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest, ThreadNotFound
from gateway.request import parse as requests
from gateway.request.parse import MessagesRequest

MINIMAL: dict[str, Any] = {
    "model": "caicaini/auto",
    "max_tokens": 16,
    "messages": [{"role": "user", "content": "Hello"}],
}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
TEXT = {"type": "text", "text": "Hello"}
CALL = {"type": "tool_use", "id": "call_1", "name": "clock", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "call_1", "content": "noon"}
TOOL = {"name": "clock", "input_schema": {"type": "object"}}
BREAKPOINT = {"cache_control": {"type": "ephemeral"}}


def parse(**fields: Any) -> MessagesRequest:
    return requests.parse(json.dumps(MINIMAL | fields).encode())


def refusal(**fields: Any) -> str:
    with pytest.raises(InvalidRequest) as caught:
        parse(**fields)
    assert caught.value.status == 400
    return caught.value.message


def user(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def test_a_minimal_request_is_read():
    request = parse()
    assert (request.model, request.max_tokens, request.stream) == ("caicaini/auto", 16, False)
    assert request.needs == frozenset()
    assert request.fields == MINIMAL
    assert request.body_bytes == len(json.dumps(MINIMAL))


def test_a_whole_number_may_be_written_with_a_fraction_of_zero():
    thinking = {"type": "enabled", "budget_tokens": 1024.0}

    request = parse(max_tokens=2048.0, top_k=40.0, thinking=thinking)

    assert type(request.max_tokens) is int
    assert "." not in json.dumps(request.fields)
    assert refusal(max_tokens=1e300).startswith("max_tokens: Input should be less than")


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
def test_a_body_that_is_no_json_object_is_refused(body: bytes, reason: str):
    for parse_body in (requests.parse, requests.parse_count):
        with pytest.raises(InvalidRequest, match=reason):
            parse_body(body)


@pytest.mark.parametrize("name", ["model", "max_tokens", "messages"])
def test_a_missing_field_is_named(name: str):
    body = {key: value for key, value in MINIMAL.items() if key != name}
    with pytest.raises(InvalidRequest) as caught:
        requests.parse(json.dumps(body).encode())
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
def test_a_wrong_value_is_refused_with_its_place(fields: dict[str, Any], message: str):
    assert refusal(**fields) == message


@pytest.mark.parametrize("role", ["tool", "", 5, None, ["user"]])
def test_a_role_that_is_none_is_refused_in_the_words_clients_match(role: Any):
    message = refusal(messages=[{"role": role, "content": "x"}])
    assert message.startswith("messages.0.role: Input should be 'user' or 'assistant'")


def test_no_conversation_is_held_for_a_caller():
    assert parse(thread={"type": "create"}).fields == parse().fields
    with pytest.raises(ThreadNotFound):
        parse(thread={"type": "continue", "previous_message_id": "msg_1"})


OPTIONAL = [
    "thread",
    "stream",
    "temperature",
    "top_p",
    "top_k",
    "stop_sequences",
    "metadata",
    "service_tier",
    "speed",
    "thinking",
    "output_config",
    "context_management",
    "system",
    "tools",
    "tool_choice",
    "cache_control",
]


@pytest.mark.parametrize("name", OPTIONAL)
def test_null_means_not_set(name: str):
    request = parse(**{name: None})
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
    assert parse(**fields).fields == MINIMAL | fields


def test_a_tool_choice_without_tools_is_ignored():
    assert "tool_choice" not in parse(tool_choice={"type": "any"}).fields
    assert "tool_choice" not in parse(tool_choice={"type": "any"}, tools=[]).fields


# --- empty text -----------------------------------------------------------------------------


def test_empty_text_blocks_are_dropped():
    empty = {"type": "text", "text": ""}
    request = parse(
        system=[empty, TEXT],
        messages=[
            user(empty, TEXT),
            assistant(empty, CALL),
            user(RESULT | {"content": [empty, TEXT]}, empty),
        ],
    )
    assert request.fields["system"] == [TEXT]
    assert request.fields["messages"] == [
        user(TEXT),
        assistant(CALL),
        user(RESULT | {"content": [TEXT]}),
    ]


@pytest.mark.parametrize("nothing", ["", [], [{"type": "text", "text": ""}]])
def test_an_empty_answer_of_ours_may_come_back(nothing: Any):
    hello, again = {"role": "user", "content": "a"}, {"role": "user", "content": "b"}
    request = parse(messages=[hello, {"role": "assistant", "content": nothing}, again])
    assert request.fields["messages"] == [hello, again]


@pytest.mark.parametrize("nothing", ["", [], [{"type": "text", "text": ""}]])
def test_a_user_turn_of_nothing_is_refused(nothing: Any):
    turns = [{"role": "user", "content": "a"}, {"role": "user", "content": nothing}]
    assert refusal(messages=turns) == ("messages.1.content: text content blocks must be non-empty")
    assert refusal(messages=[{"role": "assistant", "content": nothing}]) == (
        "messages: text content blocks must be non-empty"
    )


# --- tool calls and their results -----------------------------------------------------------

OTHER_CALL = CALL | {"id": "call_2"}
OTHER_RESULT = RESULT | {"tool_use_id": "call_2"}

UNPAIRED = [
    ([assistant(CALL), user(TEXT)], "messages.0: `tool_use` ids were found without"),
    ([assistant(CALL)], "messages.0: `tool_use` ids were found without"),
    (
        [assistant(CALL), {"role": "system", "content": "x"}, assistant(TEXT), user(RESULT)],
        "messages.0: `tool_use` ids were found without",
    ),
    (
        [user(TEXT), assistant(CALL, OTHER_CALL), user(RESULT)],
        "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: "
        "call_2.",
    ),
    (
        [assistant(CALL), user(TEXT), assistant(TEXT), user(RESULT)],
        "messages.0: `tool_use` ids were found without",
    ),
    (
        [user(RESULT)],
        "messages.0.content.0: unexpected `tool_use_id` found in `tool_result` blocks: call_1.",
    ),
    (
        [assistant(CALL), user(TEXT, OTHER_RESULT)],
        "messages.1.content.1: unexpected `tool_use_id` found in `tool_result` blocks: call_2.",
    ),
    (
        [assistant(CALL), user(RESULT), assistant(TEXT), user(RESULT)],
        "messages.3.content.0: unexpected `tool_use_id`",
    ),
    (
        [assistant(CALL), user(RESULT, RESULT)],
        "messages.1.content.1: each tool_use must have a single result.",
    ),
    (
        [assistant(CALL, CALL), user(RESULT)],
        "messages.0.content.1.id: `tool_use` ids must be unique",
    ),
]


@pytest.mark.parametrize(("turns", "message"), UNPAIRED)
def test_calls_without_results_and_results_without_calls_are_refused(turns: Any, message: str):
    assert refusal(messages=turns, tools=[TOOL]).startswith(message)


PAIRED = [
    [assistant(CALL, OTHER_CALL), user(OTHER_RESULT, RESULT)],
    [assistant(CALL), user(RESULT), assistant(CALL), user(RESULT)],
    [assistant(CALL), user(RESULT, TEXT)],
    [assistant(CALL, OTHER_CALL), user(RESULT), user(OTHER_RESULT)],
    [assistant(CALL), assistant(TEXT), user(RESULT)],
    [assistant(CALL), {"role": "system", "content": "hurry"}, user(RESULT)],
]


@pytest.mark.parametrize("turns", PAIRED)
def test_calls_with_their_results_pass(turns: Any):
    assert parse(messages=turns).fields["messages"] == turns


# --- images and documents -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("x", ": Input should be an object"),
        ({}, ".type: Field required"),
        ({"type": "path"}, ".type: Input should be 'base64', 'url' or 'file'"),
        ({"type": "base64", "media_type": "image/png"}, ".data: Field required"),
        (
            {"type": "base64", "media_type": "image/png", "data": ""},
            ".data: String should have at least 1 character",
        ),
        *(
            (
                {"type": "base64", "media_type": "image/png", "data": data},
                ".data: Invalid base64 data",
            )
            for data in ("é", "***", "https://example.com/a.png", "C:\\a.png", "aGk=" * 99 + "…")
        ),
        (
            {"type": "base64", "media_type": "image/png", "data": "data:image/png;base64,aGk="},
            ".data: Send the base64 text alone, without `data:…,`",
        ),
        ({"type": "base64", "data": "aGk="}, ".media_type: Field required"),
        (
            {"type": "base64", "media_type": "image/bmp", "data": "aGk="},
            ".media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'",
        ),
        ({"type": "url"}, ".url: Field required"),
        ({"type": "url", "url": 5}, ".url: Input should be a valid string"),
        ({"type": "file"}, ".file_id: Field required"),
    ],
)
def test_a_bad_image_is_refused_with_its_place(source: Any, reason: str):
    image = {"type": "image", "source": source}
    path = "messages.0.content.1.source"
    assert refusal(messages=[user(TEXT, image)]) == path + reason
    turns = [assistant(CALL), user(RESULT | {"content": [image]})]
    assert refusal(messages=turns) == "messages.1.content.0.content.0.source" + reason


@pytest.mark.parametrize(
    "source",
    [
        {"type": "url", "url": "https://images.example.com/a.png"},
        {"type": "file", "file_id": "file_1"},
        {"type": "base64", "media_type": "image/webp", "data": "aGk="},
    ],
)
def test_each_kind_of_image_source_passes(source: dict[str, Any]):
    request = parse(messages=[user({"type": "image", "source": source})])
    assert request.needs == {"images"}
    assert request.image_count == 1


INSIDE = {"type": "image", "source": {"type": "url", "url": "http://169.254.169.254/"}}
HIDING_PLACES: list[tuple[dict[str, Any], str]] = [
    (user({"type": "of_tomorrow", "parts": [{"picture": INSIDE}]}), "messages.0.content.0"),
    (
        assistant({"type": "web_fetch_tool_result", "content": {"content": INSIDE}}),
        "messages.0.content.0",
    ),
    (
        {"role": "user", "content": [{"type": "of_tomorrow", "content": [RESULT, INSIDE]}]},
        "messages.0.content.0",
    ),
]


@pytest.mark.parametrize(("turn", "path"), HIDING_PLACES)
def test_no_address_of_ours_hides_in_a_block_of_another_kind(turn: dict[str, Any], path: str):
    message = f"{path}: Input should be a public http or https URL"
    assert refusal(messages=[turn]) == message


def test_no_address_of_ours_hides_in_a_result_inside_a_result():
    nested = RESULT | {"content": [RESULT | {"content": [INSIDE]}]}
    message = refusal(messages=[assistant(CALL), user(nested)])
    assert message == "messages.1.content.0.content.0: Input should be a public http or https URL"
    shown = {"type": "browser_state", "page": {"type": "url", "url": "https://example.com/"}}
    fine = RESULT | {"content": [shown, {"type": "web_search_result", "url": "http://10.0.0.1"}]}
    assert parse(messages=[assistant(CALL), user(fine)])


def test_documents_inside_documents_are_refused():
    inner = {"type": "document", "source": {"type": "text", "data": "x"}}
    outer = {"type": "document", "source": {"type": "content", "content": [inner]}}
    assert refusal(messages=[user(outer)]) == (
        "messages.0.content.0.source.content.0.type: Input should be 'text' or 'image'"
    )


def test_an_image_of_thirty_megabytes_passes():
    data = base64.b64encode(bytes(22_000_000)).decode()
    source = {"type": "base64", "media_type": "image/png", "data": data}
    request = parse(messages=[user({"type": "image", "source": source})])
    assert request.fields["messages"][0]["content"][0]["source"]["data"] == data


# --- what a request needs -------------------------------------------------------------------

PDF = {"type": "base64", "media_type": "application/pdf", "data": "aGk="}
SCHEMA = {"type": "json_schema", "schema": {"type": "object"}}

NEEDS = [
    (
        {"messages": [assistant(CALL), user(RESULT | {"content": [IMAGE, IMAGE]})]},
        {"images", "tools"},
    ),
    ({"messages": [user({"type": "document", "source": PDF})]}, {"documents"}),
    ({"messages": [user({"type": "document", "source": {"type": "text", "data": "x"}})]}, set()),
    (
        {
            "messages": [
                user({"type": "document", "source": {"type": "content", "content": [IMAGE]}})
            ]
        },
        {"images"},
    ),
    ({"tools": [TOOL]}, {"tools"}),
    ({"tools": []}, set()),
    ({"messages": [assistant(CALL), user(RESULT)]}, {"tools"}),
    ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, {"thinking"}),
    ({"thinking": {"type": "adaptive"}}, set()),
    ({"thinking": {"type": "disabled"}}, set()),
    ({"thinking": {"type": "between_tools"}}, set()),
    ({"output_config": {"format": SCHEMA}}, {"structured_output"}),
    ({"output_format": SCHEMA}, {"structured_output"}),
    ({"output_config": {"effort": "high"}}, set()),
]


@pytest.mark.parametrize(("fields", "needs"), NEEDS)
def test_what_a_request_needs_is_known(fields: dict[str, Any], needs: set[str]):
    assert parse(**fields).needs == needs


def test_images_and_documents_are_counted_wherever_they_stand():
    document = {"type": "document", "source": PDF}
    turns = [user(IMAGE, document), assistant(CALL), user(RESULT | {"content": [IMAGE, document]})]
    request = parse(messages=turns)
    assert (request.image_count, request.document_count) == (2, 2)


# --- cache breakpoints ----------------------------------------------------------------------


def test_four_cache_breakpoints_pass_and_five_do_not():
    marked = TEXT | BREAKPOINT
    turns = [user(marked), assistant(CALL | BREAKPOINT), user(RESULT | {"content": [marked]})]
    assert parse(messages=turns, system=[marked]).fields["system"] == [marked]
    message = "A maximum of 4 blocks with cache_control may be provided. Found 5."
    assert refusal(messages=turns, system=[marked], tools=[TOOL | BREAKPOINT]) == message
    assert refusal(messages=turns, system=[marked], **BREAKPOINT) == message


def test_a_null_breakpoint_is_none():
    marked = TEXT | {"cache_control": None}
    assert parse(messages=[user(*[marked] * 5)]).fields["messages"] == [user(*[marked] * 5)]


# --- counting -------------------------------------------------------------------------------


def test_counting_takes_the_same_body_without_what_only_generating_needs():
    body = {key: value for key, value in MINIMAL.items() if key != "max_tokens"}
    request = requests.parse_count(json.dumps(body | {"tools": [TOOL]}).encode())
    assert request.max_tokens == 0
    assert request.needs == {"tools"}
    full = MINIMAL | {"stream": True, "temperature": "hot", "stop_sequences": 5, "metadata": 1}
    assert requests.parse_count(json.dumps(full).encode()).fields == body


def test_a_lone_tool_call_can_be_counted():
    body = {"model": "m", "messages": [assistant(CALL)]}
    assert requests.parse_count(json.dumps(body).encode()).fields == body


# --- anything at all ------------------------------------------------------------------------

finite = st.floats(allow_nan=False, allow_infinity=False)
json_value = st.recursive(
    st.none() | st.booleans() | st.integers() | finite | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "content", "source", "name", "id", "role", "data"])
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
known_field = st.sampled_from([*MINIMAL, *OPTIONAL, "output_format"])
block_type = st.sampled_from(
    ["text", "image", "document", "search_result", "tool_use", "tool_result", "thinking", "new"]
)
block = st.builds(
    lambda kind, rest: rest | {"type": kind},
    block_type,
    st.dictionaries(
        st.sampled_from(["text", "source", "content", "tool_use_id", "id", "input", "title"]),
        json_value,
        max_size=4,
    ),
)


def refused(body: bytes) -> InvalidRequest | None:
    """Any other exception is a failure."""
    try:
        requests.parse(body)
    except InvalidRequest as error:
        return error
    return None


@given(changes=st.dictionaries(known_field, json_value, max_size=4))
def test_no_value_of_a_field_is_worse_than_refused(changes: dict[str, Any]):
    error = refused(json.dumps(MINIMAL | changes).encode())
    assert error is None or error.message


@given(role=st.sampled_from(["user", "assistant", "system"]), blocks=st.lists(block, max_size=4))
def test_no_block_is_worse_than_refused(role: str, blocks: list[Any]):
    turns = [{"role": "user", "content": "x"}, {"role": role, "content": blocks}]
    error = refused(json.dumps(MINIMAL | {"messages": turns}).encode())
    assert error is None or error.path.startswith("messages")


@given(body=st.binary(max_size=60))
def test_no_bytes_are_worse_than_refused(body: bytes):
    assert refused(body) is not None
