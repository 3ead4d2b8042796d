"""Requests and non-streaming replies in the Messages format keep all their content."""

import json
from typing import Any

import pytest

from gateway.errors import InvalidRequest, UpstreamFailed, UpstreamOverloaded
from gateway.formats import FORMATS, EncodedRequest
from gateway.formats.messages.thinking import own_signature
from gateway.reply import token_usage
from gateway.reply.events import Reply, Usage, encode_reply
from gateway.request import parse
from gateway.request.parse import MessagesRequest

FORMAT = FORMATS["messages"]
MINIMAL: dict[str, Any] = {
    "model": "caicaini/auto",
    "max_tokens": 4096,
    "messages": [{"role": "user", "content": "Hello"}],
}
CLEARING = {"type": "clear_thinking_20251015"}


def request(**fields: Any) -> MessagesRequest:
    return parse.messages_request(json.dumps(MINIMAL | fields).encode())


INPUT_ESTIMATE = token_usage.estimate_tokens(request().text_bytes)


def encoded(max_tokens: int = 4096, *, stream: bool = False, **fields: Any) -> dict[str, Any]:
    body = FORMAT.encode_request(
        request(**fields), upstream_model="real-model", max_tokens=max_tokens, stream=stream
    ).body
    sent: dict[str, Any] = json.loads(body)
    return sent


def test_a_request_is_forwarded_with_only_the_model_name_changed():
    unknown = {"context_management": {"edits": [{"new": 1.5}]}, "top_k": 3}
    content = [{"type": "text", "text": 'é\u2028"\\', "cache_control": {"type": "ephemeral"}}]
    fields: dict[str, Any] = unknown | {"messages": [{"role": "user", "content": content}]}
    sent = encoded(stream=True, **fields)
    assert sent == MINIMAL | fields | {"model": "real-model", "stream": True}


def test_the_checked_request_is_not_changed_by_encoding_it():
    checked = request(betas=["a"], thinking={"type": "enabled", "budget_tokens": 4000})
    before = json.dumps(checked.fields)
    FORMAT.encode_request(checked, upstream_model="m", max_tokens=10, stream=False)
    assert json.dumps(checked.fields) == before


def test_headers_name_one_version_and_forward_the_betas():
    plain = FORMAT.encode_request(request(), upstream_model="m", max_tokens=1, stream=False)
    assert (plain.path, plain.headers) == ("/v1/messages", {"content-type": "application/json"})
    beta = FORMAT.encode_request(
        request(betas=["a"]), upstream_model="m", max_tokens=1, stream=False, beta="a,b"
    )
    assert beta.headers["anthropic-beta"] == "a,b"
    assert "betas" not in json.loads(beta.body)
    assert FORMAT.auth_headers("secret") == {
        "anthropic-version": "2023-06-01",
        "x-api-key": "secret",
        "authorization": "Bearer secret",
    }
    assert FORMAT.auth_headers("") == {"anthropic-version": "2023-06-01"}


@pytest.mark.parametrize(
    ("budget", "max_tokens", "expected"),
    [
        (2000, 4096, 2000),
        (2000, 3000, 2000),
        (3000, 3000, 2999),
        (4000, 1025, 1024),
        (4000, 1024, None),
        (9000, 4096, 9000),
    ],
    ids=["unclamped", "still fits", "fits no more", "just", "too little left", "caller's own"],
)
def test_a_clamped_answer_leaves_room_for_less_thinking(
    budget: int, max_tokens: int, expected: int | None
):
    thinking = {"type": "enabled", "budget_tokens": budget}
    sent = encoded(max_tokens, thinking=thinking).get("thinking")
    assert sent == (None if expected is None else thinking | {"budget_tokens": expected})


def test_clear_thinking_is_dropped_with_thinking():
    other = {"type": "clear_tool_uses_20250919"}
    fields: dict[str, Any] = {
        "thinking": {"type": "enabled", "budget_tokens": 4000},
        "context_management": {"edits": [CLEARING, other], "x": 1},
    }
    assert encoded(512, **fields)["context_management"] == {"edits": [other], "x": 1}
    assert encoded(2048, **fields)["context_management"] == fields["context_management"]


def test_textual_documents_become_text_for_a_model_without_documents():
    text = {"type": "text", "text": "x"}
    source = {"type": "text", "media_type": "text/plain", "data": "body"}
    document = {"type": "document", "source": source, "title": "T", "context": "C"}
    nested = {"type": "document", "source": {"type": "content", "content": [text, text]}}
    messages = [
        {"role": "user", "content": [document, nested, text]},
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "a", "name": "b", "input": {}}],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "a", "content": [nested]}],
        },
        {"role": "user", "content": "plain"},
    ]
    kwargs: dict[str, Any] = {"upstream_model": "m", "max_tokens": 1, "stream": False}
    checked = request(messages=messages)
    as_is = FORMAT.encode_request(checked, **kwargs, capabilities=frozenset({"documents"}))
    assert json.loads(as_is.body)["messages"] == messages
    spelled = FORMAT.encode_request(checked, **kwargs, capabilities=frozenset())
    sent = json.loads(spelled.body)["messages"]
    assert sent[0]["content"] == [{"type": "text", "text": "T\n\nC\n\nbody"}, text, text, text]
    assert sent[2]["content"][0]["content"] == [text, text]
    assert (sent[1], sent[3]) == (messages[1], messages[3])


def test_a_body_nested_too_deeply_is_rejected():
    deep: Any = {}
    for _ in range(5000):
        deep = {"a": deep}
    checked = request()
    nested = MessagesRequest(
        checked.model, 1, False, {**checked.fields, "x": deep}, frozenset(), 0, 0, 1
    )
    with pytest.raises(InvalidRequest, match="nested too deeply"):
        FORMAT.encode_request(nested, upstream_model="m", max_tokens=1, stream=False)


def test_tokens_are_counted_at_the_upstream():
    body = {"model": "m", "messages": MINIMAL["messages"], "stream": True}
    counted = parse.count_request(json.dumps(body).encode())
    post = FORMAT.encode_count(counted, upstream_model="real-model", beta="a")
    assert isinstance(post, EncodedRequest)
    assert post.path == "/v1/messages/count_tokens"
    assert post.headers["anthropic-beta"] == "a"
    assert json.loads(post.body) == {"model": "real-model", "messages": MINIMAL["messages"]}
    assert FORMAT.decode_count(b'{"input_tokens": 41}') == 41
    assert FORMAT.decode_count(b'{"input_tokens": 0}') == 1


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"<html>", b"[]", b"{}"),
        *(b'{"input_tokens": "four"}', b'{"input_tokens": -1}', b'{"input_tokens": 2147483648}'),
    ],
)
def test_an_invalid_token_count_is_a_failure(body: bytes):
    with pytest.raises(UpstreamFailed):
        FORMAT.decode_count(body)


def reply(**fields: Any) -> Reply:
    message: dict[str, Any] = {
        "id": "upstream_1",
        "type": "message",
        "role": "assistant",
        "model": "real-model",
        "content": [{"type": "text", "text": "Hello"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 5},
    }
    body = json.dumps(message | fields).encode()
    return FORMAT.decode_reply(body, request=request())


def test_a_non_streaming_reply_is_decoded():
    thinking = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
    call = {"type": "tool_use", "id": "a", "name": "clock", "input": {"zone": "UTC"}}
    text = {"type": "text", "text": "é\u2028"}
    assert reply(content=[thinking, text, call], stop_reason="tool_use") == Reply(
        [thinking, text, call], "tool_use", None, Usage(10, 5)
    )


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ([], [{"type": "text", "text": ""}]),
        ([{"type": "text"}], [{"type": "text", "text": ""}]),
        ([{"type": "text", "text": "a", "citations": None}], [{"type": "text", "text": "a"}]),
        (
            [{"type": "thinking", "thinking": "hm"}],
            [{"type": "thinking", "thinking": "hm", "signature": own_signature(0)}],
        ),
        (
            [{"type": "tool_use", "id": "a", "name": "b", "input": None, "caller": None}],
            [{"type": "tool_use", "id": "a", "name": "b", "input": {}}],
        ),
        (
            [{"type": "tool_use", "id": "a", "name": "b", "input": '{"c": 1}'}],
            [{"type": "tool_use", "id": "a", "name": "b", "input": {"c": 1}}],
        ),
        (
            [{"type": ["text"]}, "x", None, {"type": "tool_use", "id": "a"}],
            [{"type": "text", "text": ""}],
        ),
        (
            [{"type": "fallback", "from": "a", "to": None}],
            [{"type": "fallback", "from": "a", "to": None}],
        ),
        (
            [{"type": "redacted_thinking", "data": "x"}],
            [{"type": "redacted_thinking", "data": "x"}],
        ),
    ],
)
def test_blocks_have_every_field_that_clients_require(sent: Any, expected: Any):
    assert reply(content=sent).content == expected


def test_call_ids_are_unique():
    call = {"type": "tool_use", "id": "a", "name": "b", "input": {}}
    content = reply(content=[call, call, call | {"id": ""}]).content
    assert content[0]["id"] == "a"
    assert len({block["id"] for block in content}) == 3


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"stop_sequence": "END"}, ("stop_sequence", "END")),
        ({"stop_reason": None}, ("end_turn", None)),
        ({"stop_reason": "length"}, ("max_tokens", None)),
        ({"stop_reason": "tool_use"}, ("end_turn", None)),
        (
            {"content": [{"type": "tool_use", "id": "a", "name": "b", "input": {}}]},
            ("tool_use", None),
        ),
    ],
)
def test_the_stop_reason_fits_the_content(fields: dict[str, Any], expected: tuple[str, Any]):
    read = reply(**fields)
    assert (read.stop_reason, read.stop_sequence) == expected


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, Usage(INPUT_ESTIMATE, 2, is_estimated=True)),
        ({}, Usage(INPUT_ESTIMATE, 2, is_estimated=True)),
        ({"input_tokens": 10}, Usage(10, 2, is_estimated=True)),
        ({"output_tokens": 5}, Usage(INPUT_ESTIMATE, 5, is_estimated=True)),
        ({"input_tokens": 10, "output_tokens": 0}, Usage(10, 2, is_estimated=True)),
        ({"input_tokens": -1, "output_tokens": 5}, Usage(INPUT_ESTIMATE, 5, is_estimated=True)),
        ({"input_tokens": 10.0, "output_tokens": 5.0}, Usage(10, 5)),
        (
            {"input_tokens": 0, "output_tokens": 5, "cache_read_input_tokens": 9},
            Usage(0, 5, cache_read_input_tokens=9),
        ),
    ],
)
def test_missing_or_impossible_usage_is_estimated(usage: Any, expected: Usage):
    assert reply(usage=usage).usage == expected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>busy</html>",
        b"[]",
        b'{"content": "x"}',
        b'{"type": "message"}',
        b'{"content": [',
        b'{"error": {"type": "api_error", "message": "boom"}}',
    ],
)
def test_an_invalid_reply_is_a_failure(body: bytes):
    with pytest.raises(UpstreamFailed):
        FORMAT.decode_reply(body, request=request())


def test_an_error_inside_a_success_is_an_error():
    body = b'{"type": "error", "error": {"type": "overloaded_error", "message": "x"}}'
    with pytest.raises(UpstreamOverloaded):
        FORMAT.decode_reply(body, request=request())


def test_the_answer_carries_our_id_our_name_and_the_cost():
    details = {"output_tokens_details": {"thinking_tokens": 2}}
    usage = Usage(10, 5, 3, 4, details)
    answer = Reply(
        [{"type": "text", "text": "é\u2028/"}], "refusal", None, None, {"stop_details": {}}
    )
    body = encode_reply(
        answer, message_id="msg_1", model="caicaini/swift", usage=usage, credits_consumed=12
    )
    assert "é\u2028/".encode() in body
    assert json.loads(body) == {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "caicaini/swift",
        "content": [{"type": "text", "text": "é\u2028/"}],
        "stop_reason": "refusal",
        "stop_sequence": None,
        "stop_details": {},
        "usage": {
            "input_tokens": 10,
            "output_tokens": 5,
            "cache_creation_input_tokens": 3,
            "cache_read_input_tokens": 4,
            "output_tokens_details": {"thinking_tokens": 2},
            "credits_consumed": 12,
        },
    }


@pytest.mark.parametrize(
    ("content", "tokens"),
    [
        ([{"type": "text", "text": ""}], 0),
        ([{"type": "text", "text": "a"}], 1),
        ([{"type": "text", "text": "abcd"}, {"type": "thinking", "thinking": "efgh"}], 2),
        ([{"type": "text", "text": "日本語日"}], 3),
        ([{"type": "tool_use", "id": "x", "name": "b", "input": {"c": 1}}], 2),
        ([{"type": "tool_use", "id": "x", "name": "b", "input": {}}], 1),
    ],
)
def test_an_answer_without_usage_is_counted_by_its_bytes(content: Any, tokens: int):
    assert token_usage.estimate_output(content) == tokens


def test_thinking_is_dropped_for_a_model_without_it():
    other = {"type": "clear_tool_uses_20250919"}
    checked = request(
        thinking={"type": "adaptive"},
        context_management={"edits": [CLEARING, other]},
        output_config={"effort": "high", "task_budget": {"total": 5}},
    )

    body = FORMAT.encode_request(
        checked,
        upstream_model="real-model",
        max_tokens=4096,
        stream=False,
        capabilities=frozenset({"tools"}),
    ).body

    sent = json.loads(body)
    assert "thinking" not in sent
    assert sent["context_management"] == {"edits": [other]}
    assert sent["output_config"] == {"task_budget": {"total": 5}}
    assert checked.fields["output_config"]["effort"] == "high"


def test_an_empty_output_config_is_dropped():
    body = FORMAT.encode_request(
        request(output_config={"effort": "high"}),
        upstream_model="real-model",
        max_tokens=4096,
        stream=False,
        capabilities=frozenset(),
    ).body

    assert "output_config" not in json.loads(body)
