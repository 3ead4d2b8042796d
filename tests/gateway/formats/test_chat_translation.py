"""Requests become chat completions, and whole completions become answers."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest, UpstreamFailed, UpstreamOverloaded
from gateway.formats import FORMATS
from gateway.reply import token_usage
from gateway.reply.events import Reply, Usage
from gateway.request import parse
from gateway.request.parse import MessagesRequest

FORMAT = FORMATS["chat_completions"]
MINIMAL: dict[str, Any] = {
    "model": "caicaini/auto",
    "max_tokens": 64,
    "messages": [{"role": "user", "content": "Hello"}],
}
TEXT = {"type": "text", "text": "Hello"}
PNG = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
PNG_PART = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
CALL = {"type": "tool_use", "id": "call_1", "name": "clock", "input": {"zone": "UTC", "a": 1}}
RESULT = {"type": "tool_result", "tool_use_id": "call_1", "content": "noon"}
TOOL = {"name": "clock", "input_schema": {"type": "object", "$schema": "x"}}
LONG_NAME = "mcp__" + "a" * 100


def request(**fields: Any) -> MessagesRequest:
    return parse.parse(json.dumps(MINIMAL | fields).encode())


def encoded(
    *,
    upstream_model: str = "real-model",
    max_tokens: int = 64,
    capabilities: frozenset[str] | None = None,
    **fields: Any,
) -> dict[str, Any]:
    checked = request(**fields)
    post = FORMAT.encode_request(
        checked,
        upstream_model=upstream_model,
        max_tokens=max_tokens,
        stream=checked.stream,
        beta="ignored",
        capabilities=capabilities,
    )
    assert post.path == "/v1/chat/completions"
    assert post.headers == {"content-type": "application/json"}
    body: dict[str, Any] = json.loads(post.body)
    return body


def turns(*messages: tuple[str, Any], **fields: Any) -> list[dict[str, Any]]:
    content = [{"role": role, "content": content} for role, content in messages]
    sent: list[dict[str, Any]] = encoded(messages=content, **fields)["messages"]
    return sent


# --- requests -------------------------------------------------------------------------------


def test_a_minimal_request():
    assert encoded() == {
        "model": "real-model",
        "max_tokens": 64,
        "messages": [{"role": "user", "content": "Hello"}],
    }


def test_credentials_are_a_bearer_token():
    assert FORMAT.auth_headers("secret") == {"authorization": "Bearer secret"}
    assert FORMAT.auth_headers("") == {}


def test_a_stream_is_asked_for_with_its_usage():
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
def test_the_limit_has_the_name_the_model_takes(upstream_model: str, name: str):
    body = encoded(upstream_model=upstream_model, max_tokens=7)
    assert body[name] == 7
    assert not {"max_tokens", "max_completion_tokens"} - {name} & set(body)


def test_a_limit_of_nothing_is_one_token():
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
    assert turns(("user", "x"), system=system) == [
        {"role": "system", "content": expected},
        {"role": "user", "content": "x"},
    ]


@pytest.mark.parametrize("system", ["", []])
def test_no_system_prompt_is_no_message(system: Any):
    assert turns(("user", "x"), system=system) == [{"role": "user", "content": "x"}]


def test_a_system_turn_stays_in_its_place():
    assert turns(("user", "a"), ("system", [TEXT]), ("assistant", "b"), ("user", "c")) == [
        {"role": "user", "content": "a"},
        {"role": "system", "content": "Hello"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "c"},
    ]


def test_one_text_is_a_string_and_more_are_parts():
    assert turns(("user", [TEXT]))[0]["content"] == "Hello"
    assert turns(("user", [TEXT, PNG]))[0]["content"] == [TEXT, PNG_PART]
    url = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
    part = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    assert turns(("user", [url]))[0]["content"] == [part]


def test_turns_of_one_role_in_a_row_are_one_message():
    assert turns(("user", "a"), ("user", "b"), ("assistant", "c"), ("assistant", "d")) == [
        {"role": "user", "content": [{"type": "text", "text": t} for t in "ab"]},
        {"role": "assistant", "content": "c\n\nd"},
    ]


def test_text_and_calls_of_a_turn_are_one_message():
    other = CALL | {"id": "call_2", "input": {}}
    sent = turns(
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
    assert turns(("assistant", [CALL]), ("user", [RESULT]))[0]["content"] is None


def test_thinking_goes_nowhere():
    thinking = {"type": "thinking", "thinking": "secret plan", "signature": ""}
    redacted = {"type": "redacted_thinking", "data": "secret plan"}
    sent = turns(("user", "a"), ("assistant", [thinking, redacted, TEXT]), ("user", "b"))
    assert sent[1] == {"role": "assistant", "content": "Hello"}
    assert "secret plan" not in json.dumps(sent)
    # An answer that ended while the model was thinking leaves no gap between two user messages.
    assert turns(("user", "a"), ("assistant", [thinking]), ("user", "b")) == [
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
    ]


def test_results_come_directly_after_their_calls_whatever_stood_between():
    sent = turns(
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
    sent = turns(("assistant", [CALL]), ("user", [RESULT | result]))
    assert sent[1] == {"role": "tool", "tool_call_id": "call_1", "content": expected}


def test_an_image_in_a_result_follows_all_results_as_the_users():
    calls = [CALL, CALL | {"id": "call_2"}]
    pictured = RESULT | {"content": [TEXT, PNG]}
    sent = turns(
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
    assert turns(("user", [plain]))[0]["content"] == "T\n\nC\n\nbody"
    parts = document(type="content", content=[TEXT, PNG])
    assert turns(("user", [parts]))[0]["content"] == [TEXT, PNG_PART]
    assert turns(("user", [document(type="content", content="x")]))[0]["content"] == "x"


def test_a_pdf_is_a_file():
    pdf = document(type="base64", media_type="application/pdf", data="aGk=")
    file = {"filename": "document.pdf", "file_data": "data:application/pdf;base64,aGk="}
    assert turns(("user", [pdf]))[0]["content"] == [{"type": "file", "file": file}]
    for title, filename in (("a.PDF", "a.PDF"), ("Accounts", "Accounts.pdf"), ("", "document.pdf")):
        named = turns(("user", [pdf | {"title": title}]))[0]["content"]
        assert named[0]["file"]["filename"] == filename


@pytest.mark.parametrize(
    "block",
    [
        document(type="url", url="https://example.com/a.pdf"),
        document(type="file", file_id="f"),
        {"type": "image", "source": {"type": "file", "file_id": "f"}},
    ],
)
def test_files_the_format_cannot_name_are_refused_with_their_place(block: dict[str, Any]):
    with pytest.raises(InvalidRequest) as caught:
        turns(("user", "a"), ("assistant", "b"), ("user", [TEXT, block]))
    assert caught.value.path == "messages.2.content.1.source.type"
    with pytest.raises(InvalidRequest) as caught:
        turns(("assistant", [CALL]), ("user", [RESULT | {"content": [block]}]))
    assert caught.value.path == "messages.1.content.0.content.0.source.type"


def test_blocks_only_others_know_are_left_out():
    assert turns(("user", [{"type": "container_upload", "file_id": "f"}, TEXT])) == [
        {"role": "user", "content": "Hello"}
    ]
    with pytest.raises(InvalidRequest) as caught:
        turns(("user", [{"type": "container_upload", "file_id": "f"}]))
    assert caught.value.message == "messages: nothing in them is available for this model"


def test_what_a_person_said_never_vanishes():
    of_another_api = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    with pytest.raises(InvalidRequest) as caught:
        turns(("user", "a"), ("assistant", "b"), ("user", [TEXT, of_another_api]))
    assert caught.value.message == (
        "messages.2.content.1.type: 'image_url' blocks are not available for this model"
    )
    with pytest.raises(InvalidRequest) as caught:
        turns(("assistant", [CALL]), ("user", [RESULT | {"content": [of_another_api]}]))
    assert caught.value.path == "messages.1.content.0.content.0.type"


def test_tools_are_functions():
    described = TOOL | {"name": "b", "description": "d", "strict": True, "type": "custom"}
    marked = described | {"cache_control": {"type": "ephemeral"}, "defer_loading": True}
    assert encoded(tools=[TOOL, marked | {"input_schema": {}}])["tools"] == [
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
                # Servers refuse parameters that do not say that they are an object of something.
                "parameters": {"type": "object", "properties": {}},
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


def test_a_search_for_tools_is_needless_and_other_kinds_are_refused():
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
def test_how_hard_to_think(fields: dict[str, Any], effort: str | None):
    assert encoded(**fields).get("reasoning_effort") == effort
    assert "reasoning_effort" not in encoded(**fields, capabilities=frozenset({"tools"}))


@pytest.mark.parametrize("place", ["output_config", "output_format"])
def test_an_answer_by_schema(place: str):
    wanted = {"type": "json_schema", "schema": {"type": "object", "title": "x"}}
    fields = {"output_config": {"format": wanted}} if place == "output_config" else {place: wanted}
    assert encoded(**fields)["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "response", "schema": wanted["schema"], "strict": True},
    }


# --- names longer than the other side takes -------------------------------------------------


def test_long_names_are_shortened_alike_everywhere_and_come_back():
    tools = [TOOL | {"name": LONG_NAME}, TOOL | {"name": LONG_NAME + "b"}, TOOL]
    calls = [CALL | {"name": LONG_NAME}, CALL | {"name": LONG_NAME + "b", "id": "call_2"}]
    results = [RESULT, RESULT | {"tool_use_id": "call_2"}]
    body = encoded(
        tools=tools,
        tool_choice={"type": "tool", "name": LONG_NAME},
        messages=[
            {"role": "assistant", "content": calls},
            {"role": "user", "content": results},
        ],
    )
    names = [tool["function"]["name"] for tool in body["tools"]]
    assert len(set(names)) == 3
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in names)
    assert body["tool_choice"]["function"]["name"] == names[0]
    sent = body["messages"][0]["tool_calls"]
    assert [call["function"]["name"] for call in sent] == names[:2]

    answered = [{"id": n, "function": {"name": n, "arguments": "{}"}} for n in names]
    read = decoded({"tool_calls": answered}, checked=request(tools=tools))
    assert [block["name"] for block in read.content] == [tool["name"] for tool in tools]


@given(name=st.from_regex(r"[a-zA-Z0-9_-]{1,128}", fullmatch=True))
def test_every_name_survives_the_way_there_and_back(name: str):
    checked = request(tools=[TOOL | {"name": name}])
    post = FORMAT.encode_request(checked, upstream_model="m", max_tokens=1, stream=False)
    short = json.loads(post.body)["tools"][0]["function"]["name"]
    assert len(short) <= 64
    call = {"id": "a", "function": {"name": short, "arguments": "{}"}}
    assert decoded({"tool_calls": [call]}, checked=checked).content[0]["name"] == name


# --- whole completions ----------------------------------------------------------------------


def decoded(
    message: dict[str, Any],
    *,
    checked: MessagesRequest | None = None,
    finish_reason: Any = "stop",
    usage: Any = None,
    **choice: Any,
) -> Reply:
    completion = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "choices": [
            {"index": 0, "message": message, "finish_reason": finish_reason} | choice,
        ],
        "usage": usage or {"prompt_tokens": 10, "completion_tokens": 5},
    }
    body = json.dumps(completion).encode()
    return FORMAT.decode_reply(body, request=checked or request())


def called(name: str, arguments: Any, call_id: Any = "a") -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"id": call_id, "type": "function", "function": function}


def test_a_whole_completion_is_an_answer():
    message = {
        "role": "assistant",
        "reasoning_content": "hm",
        "content": "é\u2028",
        "tool_calls": [called("clock", '{"zone": "UTC"}'), called("bell", "", "b")],
    }
    assert decoded(message, finish_reason="tool_calls") == Reply(
        [
            {"type": "thinking", "thinking": "hm", "signature": ""},
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
def test_nothing_is_one_empty_text(message: dict[str, Any]):
    assert decoded(message).content == [{"type": "text", "text": ""}]


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
        ('{"a": ', {}),
        ("[1]", {}),
        ("nonsense", {}),
    ],
)
def test_arguments_are_always_an_object(arguments: Any, expected: dict[str, Any]):
    assert decoded({"tool_calls": [called("x", arguments)]}).content[0]["input"] == expected


def test_missing_and_repeated_call_ids_are_replaced():
    calls = [called("x", "{}", call_id) for call_id in ("a", "a", "", None)]
    ids = [block["id"] for block in decoded({"tool_calls": calls}).content]
    assert ids[0] == "a"
    assert len(set(ids)) == 4


def test_calls_nobody_can_run_are_dropped():
    calls = [called("", "{}"), {"id": "x"}, None, "x", called("ok", "{}")]
    assert [block["name"] for block in decoded({"tool_calls": calls}).content] == ["ok"]


def test_the_older_single_call_is_read():
    message = {"content": None, "function_call": {"name": "clock", "arguments": '{"a": 1}'}}
    read = decoded(message, finish_reason="function_call")
    assert (read.content[0]["name"], read.content[0]["input"]) == ("clock", {"a": 1})
    assert read.stop_reason == "tool_use"


CALLED = {"tool_calls": [called("x", "{}")]}
SAID = {"content": "one two"}
ASKED = token_usage.tokens_of(request().text_bytes)


@pytest.mark.parametrize(
    ("message", "reason", "choice", "expected"),
    [
        (SAID, "stop", {}, ("end_turn", None)),
        (SAID, "eos", {}, ("end_turn", None)),
        (SAID, None, {}, ("end_turn", None)),
        (SAID, "length", {}, ("max_tokens", None)),
        (SAID, "content_filter", {}, ("refusal", None)),
        (SAID, "tool_calls", {}, ("end_turn", None)),
        (CALLED, "tool_calls", {}, ("tool_use", None)),
        (CALLED, "function_call", {}, ("tool_use", None)),
        (CALLED, "stop", {}, ("tool_use", None)),
        (CALLED, None, {}, ("tool_use", None)),
        (CALLED, "length", {}, ("max_tokens", None)),
        ({"refusal": "I will not"}, "stop", {}, ("refusal", None)),
        (SAID, "stop", {"stop_reason": "END"}, ("stop_sequence", "END")),
        (SAID, "stop", {"stopping_word": "END"}, ("stop_sequence", "END")),
        (SAID, "stop", {"matched_stop": "END"}, ("stop_sequence", "END")),
        (SAID, "stop", {"matched_stop": 151645}, ("end_turn", None)),
        (SAID, "stop", {"stop_reason": "stop"}, ("end_turn", None)),
        ({"content": "one END"}, "stop", {}, ("stop_sequence", "END")),
        ({"content": "one END"}, "length", {}, ("max_tokens", None)),
    ],
)
def test_why_it_ended(message: Any, reason: Any, choice: Any, expected: tuple[str, str | None]):
    checked = request(stop_sequences=["THE", "END"])
    read = decoded(message, checked=checked, finish_reason=reason, **choice)
    assert (read.stop_reason, read.stop_sequence) == expected


def test_a_refusal_is_told():
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
    assert decoded(SAID, usage=usage).usage == expected


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        ({"prompt_tokens": 10}, (10, 2)),
        ({"completion_tokens": 5}, (ASKED, 5)),
        ({"prompt_tokens": -1, "completion_tokens": 5}, (ASKED, 5)),
        ({"prompt_tokens": 10, "completion_tokens": 2**31}, (10, 2)),
        ({"prompt_tokens": 0, "completion_tokens": 0}, (ASKED, 2)),
        ({"prompt_tokens": "10", "completion_tokens": "5"}, (ASKED, 2)),
        ("none", (ASKED, 2)),
    ],
)
def test_the_side_of_the_usage_that_cannot_be_is_counted_by_us(usage: Any, counts: tuple[int, int]):
    assert decoded(SAID, usage=usage).usage == Usage(*counts, is_estimated=True)


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
def test_what_is_no_completion_is_a_failure(body: bytes):
    with pytest.raises(UpstreamFailed):
        FORMAT.decode_reply(body, request=request())


def test_an_error_inside_a_success_is_an_error():
    body = b'{"error": {"code": 429, "message": "slow down"}}'
    with pytest.raises(UpstreamOverloaded):
        FORMAT.decode_reply(body, request=request())


def test_the_format_cannot_count():
    assert FORMAT.encode_count(request(), upstream_model="m") is None
    with pytest.raises(UpstreamFailed):
        FORMAT.decode_count(b"{}")
