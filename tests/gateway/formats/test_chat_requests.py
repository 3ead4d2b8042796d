"""Requests are encoded as chat completions."""

import json
from typing import Any

import pytest

from gateway.errors import InvalidRequest, UpstreamFailed
from tests.support.chat_completions import (
    CALL,
    FORMAT,
    RESULT,
    TEXT,
    TOOL,
    encoded,
    request,
    upstream,
)

PNG = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
PNG_PART = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}


def sent_messages(*messages: tuple[str, Any], **fields: Any) -> list[dict[str, Any]]:
    content = [{"role": role, "content": content} for role, content in messages]
    sent: list[dict[str, Any]] = encoded(messages=content, **fields)["messages"]
    return sent


def test_a_minimal_request():
    assert encoded() == {
        "model": "real-model",
        "max_tokens": 64,
        "messages": [{"role": "user", "content": "Hello"}],
    }


def test_credentials_are_a_bearer_token():
    assert FORMAT.auth_headers("secret") == {"authorization": "Bearer secret"}
    assert FORMAT.auth_headers("") == {}


def test_a_stream_is_requested_with_usage():
    body = encoded(stream=True)
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})
    assert "stream" not in encoded()


def test_sampling_and_stops_keep_their_values():
    body = encoded(temperature=0, top_p=0.5, top_k=3, stop_sequences=["\n", "END"])
    assert (body["temperature"], body["top_p"], body["stop"]) == (0, 0.5, ["\n", "END"])
    assert "top_k" not in body
    assert "stop" not in encoded(stop_sequences=[])


def test_what_has_no_equivalent_is_left_out():
    extra: dict[str, Any] = {
        "metadata": {"user_id": "me"},
        "service_tier": "auto",
        "cache_control": {"type": "ephemeral"},
        "context_management": {},
        "betas": ["x"],
        "unknown": 1,
        "tools": [],
        "tool_choice": {"type": "any"},
    }
    assert encoded(**extra) == encoded()


@pytest.mark.parametrize(
    ("upstream_model", "name"),
    [
        ("gpt-4o", "max_tokens"),
        ("gpt-4.1-mini", "max_tokens"),
        ("gpt-oss-120b", "max_tokens"),
        ("qwen3", "max_tokens"),
        ("o3-mini", "max_completion_tokens"),
        ("gpt-5.2", "max_completion_tokens"),
        ("openai/gpt-5", "max_completion_tokens"),
        ("olmo-2", "max_tokens"),
    ],
)
def test_max_tokens_has_the_name_that_the_model_accepts(upstream_model: str, name: str):
    body = encoded(upstream_model=upstream_model, max_tokens=7)
    assert body[name] == 7
    assert not {"max_tokens", "max_completion_tokens"} - {name} & set(body)


def test_max_tokens_of_zero_becomes_one():
    assert encoded(max_tokens=0)["max_tokens"] == 1


@pytest.mark.parametrize(
    ("system", "expected"),
    [
        ("Be brief.", "Be brief."),
        ([TEXT, {"type": "text", "text": "two"}], "Hello\n\ntwo"),
        (
            [{"type": "text", "text": "x-anthropic-billing-header: cc=1"}, TEXT],
            "Hello",
        ),
    ],
)
def test_the_system_prompt_is_the_first_message(system: Any, expected: str):
    assert sent_messages(("user", "x"), system=system) == [
        {"role": "system", "content": expected},
        {"role": "user", "content": "x"},
    ]


@pytest.mark.parametrize("system", ["", []])
def test_no_system_prompt_is_no_message(system: Any):
    assert sent_messages(("user", "x"), system=system) == [{"role": "user", "content": "x"}]


def test_a_system_turn_stays_in_its_place():
    assert sent_messages(("user", "a"), ("system", [TEXT]), ("assistant", "b"), ("user", "c")) == [
        {"role": "user", "content": "a"},
        {"role": "system", "content": "Hello"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "c"},
    ]


def test_one_text_is_a_string_and_more_are_parts():
    assert sent_messages(("user", [TEXT]))[0]["content"] == "Hello"
    assert sent_messages(("user", [TEXT, PNG]))[0]["content"] == [TEXT, PNG_PART]
    url = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
    part = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    assert sent_messages(("user", [url]))[0]["content"] == [part]


def test_turns_of_one_role_in_a_row_are_one_message():
    assert sent_messages(("user", "a"), ("user", "b"), ("assistant", "c"), ("assistant", "d")) == [
        {"role": "user", "content": [{"type": "text", "text": t} for t in "ab"]},
        {"role": "assistant", "content": "c\n\nd"},
    ]


def test_text_and_calls_of_a_turn_are_one_message():
    other = CALL | {"id": "call_2", "input": {}}
    sent = sent_messages(
        ("assistant", [TEXT, CALL, other]),
        ("user", [RESULT, RESULT | {"tool_use_id": "call_2", "content": None}]),
    )
    assert sent[0]["content"] == "Hello"
    assert sent[0]["tool_calls"] == [
        {
            "id": "call_1",
            "type": "function",
            "function": {"name": "clock", "arguments": '{"zone":"UTC","a":1}'},
        },
        {"id": "call_2", "type": "function", "function": {"name": "clock", "arguments": "{}"}},
    ]
    assert sent[1:] == [
        {"role": "tool", "tool_call_id": "call_1", "content": "noon"},
        {"role": "tool", "tool_call_id": "call_2", "content": ""},
    ]


def test_a_turn_of_calls_alone_has_null_for_content():
    assert sent_messages(("assistant", [CALL]), ("user", [RESULT]))[0]["content"] is None


def test_thinking_is_dropped():
    thinking = {"type": "thinking", "thinking": "secret plan", "signature": ""}
    redacted = {"type": "redacted_thinking", "data": "secret plan"}
    sent = sent_messages(("user", "a"), ("assistant", [thinking, redacted, TEXT]), ("user", "b"))
    assert sent[1] == {"role": "assistant", "content": "Hello"}
    assert "secret plan" not in json.dumps(sent)
    # An answer that ended during thinking is dropped, and the user messages around it are merged.
    assert sent_messages(("user", "a"), ("assistant", [thinking]), ("user", "b")) == [
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
    ]


def test_results_come_directly_after_their_calls_whatever_stood_between():
    sent = sent_messages(
        ("user", "a"),
        ("assistant", [CALL, CALL | {"id": "call_2"}]),
        ("system", "hurry"),
        ("user", [TEXT, RESULT]),
        ("user", [RESULT | {"tool_use_id": "call_2"}, {"type": "text", "text": "and?"}]),
    )
    assert [message["role"] for message in sent] == [
        "user",
        "assistant",
        "tool",
        "tool",
        "system",
        "user",
    ]
    assert sent[-1]["content"] == [TEXT, {"type": "text", "text": "and?"}]


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"content": "noon"}, "noon"),
        ({"content": [TEXT, TEXT]}, "Hello\nHello"),
        ({"content": []}, ""),
        ({"content": None}, ""),
        ({"content": "boom", "is_error": True}, "Error: boom"),
        ({"content": "fine", "is_error": False}, "fine"),
        ({"content": [{"type": "tool_reference", "tool_name": "x"}, TEXT]}, "Hello"),
        (
            {
                "content": [
                    {"type": "search_result", "source": "s", "title": "t", "content": [TEXT]}
                ]
            },
            "t\n\ns\n\nHello",
        ),
    ],
)
def test_a_result_is_its_text(result: dict[str, Any], expected: str):
    sent = sent_messages(("assistant", [CALL]), ("user", [RESULT | result]))
    assert sent[1] == {"role": "tool", "tool_call_id": "call_1", "content": expected}


def test_an_image_in_a_result_follows_all_results_as_the_users():
    calls = [CALL, CALL | {"id": "call_2"}]
    pictured = RESULT | {"content": [TEXT, PNG]}
    sent = sent_messages(
        ("assistant", calls),
        ("user", [pictured, RESULT | {"tool_use_id": "call_2"}, {"type": "text", "text": "so?"}]),
    )
    assert [message["role"] for message in sent] == ["assistant", "tool", "tool", "user"]
    assert sent[1]["content"] == "Hello"
    assert sent[3]["content"] == [PNG_PART, {"type": "text", "text": "so?"}]


def document(**source: Any) -> dict[str, Any]:
    return {"type": "document", "source": source}


def test_textual_documents_are_text():
    plain = document(type="text", data="body") | {"title": "T", "context": "C"}
    assert sent_messages(("user", [plain]))[0]["content"] == "T\n\nC\n\nbody"
    parts = document(type="content", content=[TEXT, PNG])
    assert sent_messages(("user", [parts]))[0]["content"] == [TEXT, PNG_PART]
    assert sent_messages(("user", [document(type="content", content="x")]))[0]["content"] == "x"


def test_a_pdf_is_a_file():
    pdf = document(type="base64", media_type="application/pdf", data="aGk=")
    file = {"filename": "document.pdf", "file_data": "data:application/pdf;base64,aGk="}
    assert sent_messages(("user", [pdf]))[0]["content"] == [{"type": "file", "file": file}]
    for title, filename in (("a.PDF", "a.PDF"), ("Accounts", "Accounts.pdf"), ("", "document.pdf")):
        named = sent_messages(("user", [pdf | {"title": title}]))[0]["content"]
        assert named[0]["file"]["filename"] == filename


@pytest.mark.parametrize(
    "block",
    [
        document(type="url", url="https://example.com/a.pdf"),
        document(type="file", file_id="f"),
        {"type": "image", "source": {"type": "file", "file_id": "f"}},
    ],
)
def test_files_the_format_cannot_name_are_rejected_with_their_place(block: dict[str, Any]):
    with pytest.raises(InvalidRequest) as caught:
        sent_messages(("user", "a"), ("assistant", "b"), ("user", [TEXT, block]))
    assert caught.value.path == "messages.2.content.1.source.type"
    with pytest.raises(InvalidRequest) as caught:
        sent_messages(("assistant", [CALL]), ("user", [RESULT | {"content": [block]}]))
    assert caught.value.path == "messages.1.content.0.content.0.source.type"


def test_blocks_only_others_know_are_left_out():
    assert sent_messages(("user", [{"type": "container_upload", "file_id": "f"}, TEXT])) == [
        {"role": "user", "content": "Hello"}
    ]
    with pytest.raises(InvalidRequest) as caught:
        sent_messages(("user", [{"type": "container_upload", "file_id": "f"}]))
    assert caught.value.message == "messages: nothing in them is available for this model"


SUMMARY = {"type": "compaction", "content": "We agreed on blue."}


def test_a_summary_of_what_was_before_is_a_text_in_its_place():
    sent = sent_messages(
        ("user", "Long"), ("assistant", [SUMMARY, TEXT]), ("user", "Which colour?")
    )

    assert [message["role"] for message in sent] == ["user", "assistant", "user"]
    assert sent[1]["content"].startswith("We agreed on blue.")


def test_a_summary_that_begins_the_conversation_is_the_users():
    sent = sent_messages(("assistant", [SUMMARY]), ("user", "Which colour?"))

    assert [message["role"] for message in sent] == ["user"]
    assert "We agreed on blue." in json.dumps(sent[0])
    assert "Which colour?" in json.dumps(sent[0])


@pytest.mark.parametrize("content", [None, ""])
def test_a_compaction_that_failed_says_nothing(content: str | None):
    failed = {"type": "compaction", "content": content}

    sent = sent_messages(("user", "Long"), ("assistant", [failed, TEXT]), ("user", "Go on"))

    assert sent[1]["content"] == TEXT["text"]


def test_unsupported_user_content_is_rejected_not_dropped():
    of_another_api = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    with pytest.raises(InvalidRequest) as caught:
        sent_messages(("user", "a"), ("assistant", "b"), ("user", [TEXT, of_another_api]))
    assert caught.value.message == (
        "messages.2.content.1.type: 'image_url' blocks are not available for this model"
    )
    with pytest.raises(InvalidRequest) as caught:
        sent_messages(("assistant", [CALL]), ("user", [RESULT | {"content": [of_another_api]}]))
    assert caught.value.path == "messages.1.content.0.content.0.type"


CLOSED = {"additionalProperties": False}
STRICT: dict[str, Any] = {"type": "object", "title": "x", "properties": {}, **CLOSED}
ANY_OBJECT: dict[str, Any] = {"type": "object", "properties": {"a": {}}}
OPEN: list[dict[str, Any]] = [
    {"type": "object", "title": "x"},
    ANY_OBJECT,
    ANY_OBJECT | CLOSED,
    STRICT | {"properties": {"a": {"type": "array", "items": ANY_OBJECT}}, "required": ["a"]},
    STRICT | {"properties": {"a": {"anyOf": [ANY_OBJECT]}}, "required": ["a"]},
    STRICT | {"$defs": {"b": {"type": ["object", "null"]}}},
    STRICT | {"allOf": [STRICT]},
]


def strict_with(**member: Any) -> dict[str, Any]:
    """A schema that is strict but for one member."""
    return STRICT | {"properties": {"a": member}, "required": ["a"]}


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = STRICT
    for _ in range(levels - 1):
        schema = strict_with(**schema)
    return schema


MANY: dict[str, Any] = {str(n): {} for n in range(5001)}
STRICT_ENOUGH = [
    STRICT,
    strict_with(type=["string", "null"], pattern="^a", format="date-time"),
    strict_with(anyOf=[{"type": "null"}, {"$ref": "#"}]),
    strict_with(type="array", items={"type": "integer", "minimum": 1}, minItems=1),
    strict_with(enum=list(range(1000))),
    nested(10),
]
UNSUPPORTED: list[dict[str, Any]] = [
    *(
        strict_with(type="string", **{name: value})
        for name, value in {
            "format": "uri",
            "default": "",
            "minLength": 1,
            "maxLength": 9,
            "not": {},
            "uniqueItems": True,
            "oneOf": [],
            "if": {},
            "then": {},
            "contains": {},
            "dependentRequired": {},
            "minProperties": 1,
            "patternProperties": {},
        }.items()
    ),
    STRICT | {"anyOf": [STRICT]},
    strict_with(enum=list(range(1001))),
    STRICT | {"properties": MANY, "required": list(MANY)},
    nested(11),
    # No schemas at all, which are the caller's and reach its upstream as they are.
    strict_with(format=["uri"]),
    strict_with(anyOf=5),
    strict_with(enum=None),
    STRICT | {"properties": {"a": 5}, "required": ["a"]},
    STRICT | {"required": [{}]},
    STRICT | {"required": 5},
    STRICT | {"properties": []},
]


@pytest.mark.parametrize("schema", STRICT_ENOUGH, ids=lambda schema: str(schema)[:80])
def test_a_schema_within_the_subset_is_sent_as_strict(schema: dict[str, Any]):
    body = encoded(output_config={"format": {"type": "json_schema", "schema": schema}})
    assert body["response_format"]["json_schema"]["strict"] is True


@pytest.mark.parametrize("schema", [*OPEN, *UNSUPPORTED], ids=lambda schema: str(schema)[:80])
def test_a_schema_that_no_server_follows_strictly_is_not_sent_as_strict(schema: dict[str, Any]):
    """OpenAI refuses it with `strict`, and takes it without."""
    wanted = {"type": "json_schema", "schema": schema}
    tools = [TOOL | {"strict": True, "input_schema": schema}]

    body = encoded(output_config={"format": wanted}, tools=tools)

    assert body["response_format"]["json_schema"]["strict"] is False
    assert "strict" not in body["tools"][0]["function"]


def test_an_upstream_receives_as_many_stop_sequences_as_it_takes():
    stops = [f"stop {n}" for n in range(6)]

    assert encoded(stop_sequences=stops, upstream=upstream("openai"))["stop"] == stops[:4]
    assert encoded(stop_sequences=stops, upstream=upstream())["stop"] == stops


def test_tools_are_functions():
    described = TOOL | {"name": "b", "description": "d", "strict": True, "type": "custom"}
    marked = described | {"cache_control": {"type": "ephemeral"}, "defer_loading": True}
    assert encoded(tools=[TOOL, marked | {"input_schema": CLOSED}])["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "clock",
                "parameters": {"type": "object", "properties": {}, "$schema": "x"},
            },
        },
        {
            "type": "function",
            "function": {
                "name": "b",
                # Servers reject parameters without `type` and `properties`.
                "parameters": {"type": "object", "properties": {}} | CLOSED,
                "description": "d",
                "strict": True,
            },
        },
    ]


def test_a_schema_of_an_input_keeps_what_it_says():
    schema = {"properties": {"b": {}, "a": {}}, "required": ["a"], "type": "object"}
    [tool] = encoded(tools=[TOOL | {"input_schema": schema}])["tools"]
    assert tool["function"]["parameters"] == schema
    assert list(tool["function"]["parameters"]["properties"]) == ["b", "a"]


def test_tool_search_is_dropped_and_other_provider_tools_are_rejected():
    search = {"type": "tool_search_tool_regex_20251119", "name": "find"}
    assert len(encoded(tools=[TOOL, search])["tools"]) == 1
    assert "tools" not in encoded(tools=[search], tool_choice={"type": "auto"})
    with pytest.raises(InvalidRequest) as caught:
        encoded(tools=[TOOL, {"type": "bash_20250124", "name": "bash"}])
    assert caught.value.message == (
        "tools.1.type: 'bash_20250124' tools are not available for this model"
    )


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"type": "auto"}, "auto"),
        ({"type": "any"}, "required"),
        ({"type": "none"}, "none"),
        (
            {"type": "tool", "name": "clock"},
            {"type": "function", "function": {"name": "clock"}},
        ),
    ],
)
def test_the_choice_of_a_tool(choice: dict[str, Any], expected: Any):
    body = encoded(tools=[TOOL], tool_choice=choice)
    assert body["tool_choice"] == expected
    assert "parallel_tool_calls" not in body
    assert "tool_choice" not in encoded(tools=[TOOL])


def test_parallel_calls_are_forbidden_only_when_asked():
    choice = {"type": "auto", "disable_parallel_tool_use": True}
    assert encoded(tools=[TOOL], tool_choice=choice)["parallel_tool_calls"] is False
    choice = {"type": "auto", "disable_parallel_tool_use": False}
    assert "parallel_tool_calls" not in encoded(tools=[TOOL], tool_choice=choice)


def enabled(budget: int) -> dict[str, Any]:
    return {"type": "enabled", "budget_tokens": budget}


@pytest.mark.parametrize(
    ("fields", "effort"),
    [
        ({}, None),
        ({"thinking": enabled(1024)}, "low"),
        ({"thinking": enabled(4096)}, "medium"),
        ({"thinking": enabled(31999)}, "high"),
        ({"thinking": {"type": "adaptive"}}, None),
        ({"output_config": {"effort": "low"}}, "low"),
        ({"output_config": {"effort": "max"}}, "high"),
        ({"output_config": {"effort": "xhigh"}}, "high"),
        ({"output_config": {"effort": "unheard-of"}}, None),
        ({"thinking": enabled(31999), "output_config": {"effort": "low"}}, "low"),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "medium"}}, "medium"),
        ({"thinking": {"type": "disabled"}, "output_config": {"effort": "high"}}, None),
    ],
)
def test_reasoning_effort(fields: dict[str, Any], effort: str | None):
    assert encoded(**fields).get("reasoning_effort") == effort
    assert "reasoning_effort" not in encoded(**fields, capabilities=frozenset({"tools"}))


@pytest.mark.parametrize("place", ["output_config", "output_format"])
def test_structured_output(place: str):
    wanted = {"type": "json_schema", "schema": STRICT}
    fields = {"output_config": {"format": wanted}} if place == "output_config" else {place: wanted}
    assert encoded(**fields)["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "response", "schema": wanted["schema"], "strict": True},
    }


def test_the_format_cannot_count():
    assert FORMAT.encode_count(request(), upstream_model="m") is None
    with pytest.raises(UpstreamFailed):
        FORMAT.decode_count(b"{}")
