"""Thinking that an upstream needs back reaches it under the field it came in, and nobody else."""

import json
from typing import Any

import pytest
from django.test import override_settings

from catalogue.snapshot import UpstreamRow
from gateway.formats import FORMATS
from gateway.formats.thought_seal import Thought, open_seal, seal
from gateway.request import parse
from tests.support.chat_completions import called, decoded, encoded, upstream
from tests.support.chat_stream import DONE, chunk, new_stream, piece, usage
from tests.support.stream_grammar import run

MAKER = 7
TOOLS = [{"name": "clock", "input_schema": {}}]
GOOGLE = {"google": {"thought_signature": "b3BhcXVl"}}
DETAILS = [{"type": "reasoning.encrypted", "data": "eHg=", "index": 0}]
LITELLM = [{"type": "thinking", "thinking": "hm", "signature": "c2ln"}]


def turns(content: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The next request of a tool loop, with the answer as a client returns it."""
    calls = [block for block in content if block["type"] == "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": one["id"], "content": "ok"} for one in calls]
    return [
        {"role": "user", "content": "What time is it?"},
        {"role": "assistant", "content": content},
        {"role": "user", "content": results},
    ]


def streamed(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The content of the same answer in a stream: the reasoning first, then each call."""
    calls = message.get("tool_calls", [])
    rest = {name: value for name, value in message.items() if name != "tool_calls"}
    pieces = [
        piece(n, one["function"]["name"], one["function"]["arguments"], one["id"])
        | ({"extra_content": one["extra_content"]} if "extra_content" in one else {})
        for n, one in enumerate(calls)
    ]
    chunks = [chunk(rest), *(chunk({"tool_calls": [one]}) for one in pieces)]
    stream = new_stream(upstream_id=MAKER)
    seen = run(stream, *chunks, chunk({}, "tool_calls"), usage(), DONE)
    return [
        {name: value for name, value in block.items() if name != "json"} for block in seen.blocks
    ]


def plain(message: dict[str, Any]) -> list[dict[str, Any]]:
    return decoded(message, finish_reason="tool_calls", upstream_id=MAKER).content


def sent_back(content: list[dict[str, Any]], to: UpstreamRow) -> dict[str, Any]:
    sent: dict[str, Any] = encoded(messages=turns(content), tools=TOOLS, upstream=to)
    assistants: list[dict[str, Any]] = [
        one for one in sent["messages"] if one["role"] == "assistant"
    ]
    [assistant] = assistants
    return assistant


CALL = called("clock", "{}", "call_1")
REASONING: list[dict[str, Any]] = [
    {"reasoning_content": "hm"},
    {"reasoning": "hm"},
    {"reasoning_details": DETAILS},
    {"reasoning_content": "hm", "thinking_blocks": LITELLM},
]


@pytest.mark.parametrize("answer", [plain, streamed])
@pytest.mark.parametrize("reasoning", REASONING, ids=lambda one: "+".join(one))
def test_reasoning_goes_back_under_its_field(answer: Any, reasoning: dict[str, Any]):
    content = answer({"content": None, **reasoning, "tool_calls": [CALL]})
    assert [block["type"] for block in content] == ["thinking", "tool_use"]
    assert content[0]["signature"]

    back = sent_back(content, upstream(number=MAKER))

    *_, field = reasoning
    assert back[field] == reasoning[field]


@pytest.mark.parametrize("answer", [plain, streamed])
def test_what_belongs_to_a_call_goes_back_with_it(answer: Any):
    second = called("clock", '{"zone": "UTC"}', "call_2")
    content = answer({"content": "Look:", "tool_calls": [CALL | {"extra_content": GOOGLE}, second]})
    assert [block["type"] for block in content] == ["text", "thinking", "tool_use", "tool_use"]
    assert content[1]["thinking"] == ""
    assert "b3BhcXVl" not in json.dumps([block.get("id") for block in content])

    first, other = sent_back(content, upstream("gemini", number=MAKER))["tool_calls"]

    assert first["extra_content"] == GOOGLE
    assert "extra_content" not in other


@pytest.mark.parametrize("answer", [plain, streamed])
def test_a_signature_of_a_call_travels_with_the_thinking_directly_before_it(answer: Any):
    message = {"reasoning_content": "hm", "tool_calls": [CALL | {"extra_content": GOOGLE}]}
    content = answer(message)
    assert [block["type"] for block in content] == ["thinking", "tool_use"]

    back = sent_back(content, upstream(number=MAKER))

    assert back["reasoning_content"] == "hm"
    assert back["tool_calls"][0]["extra_content"] == GOOGLE


def test_nothing_of_it_goes_to_another_upstream():
    message = {"reasoning_content": "hm", "tool_calls": [CALL | {"extra_content": GOOGLE}]}

    back = sent_back(plain(message), upstream(number=8))

    assert back.keys() == {"role", "content", "tool_calls"}
    assert back["tool_calls"][0].keys() == {"id", "type", "function"}


def test_where_the_caller_dropped_it_the_dialect_says_what_is_taken():
    content = [{"type": "tool_use", "id": "call_1", "name": "clock", "input": {}}]

    assert sent_back(content, upstream("deepseek"))["reasoning_content"] == " "
    assert "reasoning_content" not in sent_back(content, upstream())
    [call] = sent_back(content, upstream("gemini"))["tool_calls"]
    signature = call["extra_content"]["google"]["thought_signature"]
    assert signature == "skip_thought_signature_validator"


def test_a_dialect_names_the_field_for_thinking_that_came_in_another():
    content = plain({"reasoning": "hm", "tool_calls": [CALL]})

    assert sent_back(content, upstream("kimi", number=MAKER))["reasoning_content"] == "hm"


def test_a_forged_signature_holds_nothing():
    real = seal(Thought(MAKER, "reasoning_content"))
    assert open_seal(real, upstream=MAKER) == Thought(MAKER, "reasoning_content")
    assert open_seal(real, upstream=8) is None
    for forged in (real[:-2], real + "AA", "cai1.", "cai1.!", "cai1.é", real.upper(), "", None, 5):
        assert open_seal(forged, upstream=MAKER) is None


def test_a_signature_outlives_the_change_of_the_secret():
    with override_settings(SECRET_KEY="before"):
        old = seal(Thought(MAKER, "reasoning"))
    with override_settings(SECRET_KEY="after", SECRET_KEY_FALLBACKS=["before"]):
        assert open_seal(old, upstream=MAKER) is not None
    with override_settings(SECRET_KEY="after", SECRET_KEY_FALLBACKS=[]):
        assert open_seal(old, upstream=MAKER) is None


def test_its_bytes_do_not_count():
    content = plain({"reasoning_details": DETAILS * 100, "tool_calls": [CALL]})
    body = {"model": "m", "max_tokens": 9, "messages": turns(content), "tools": TOOLS}
    request = parse.messages_request(json.dumps(body).encode())
    without = json.loads(json.dumps(body))
    without["messages"][1]["content"][0]["signature"] = ""

    assert request.text_bytes == len(json.dumps(without).encode())


def messages_body(content: list[dict[str, Any]], *, upstream_id: int, **fields: Any) -> Any:
    body = {"model": "m", "max_tokens": 4096, "messages": turns(content), "tools": TOOLS} | fields
    row = UpstreamRow(upstream_id, "messages", "http://x", "m", "", 0, 1)
    post = FORMATS["messages"].encode_request(
        parse.messages_request(json.dumps(body).encode()),
        upstream_model="m",
        max_tokens=4096,
        stream=False,
        upstream=row,
    )
    return json.loads(post.body)


@pytest.mark.parametrize("kind", ["enabled", "adaptive"])
def test_a_messages_upstream_receives_no_thinking_that_it_cannot_verify(kind: str):
    """And none is asked for in a tool loop that begins without it; afterwards it is on again."""
    thinking = {"type": kind} | ({"budget_tokens": 2000} if kind == "enabled" else {})
    content = plain({"reasoning_content": "hm", "tool_calls": [CALL]})

    within = messages_body(content, upstream_id=8, thinking=thinking)
    assert [block["type"] for block in within["messages"][1]["content"]] == ["tool_use"]
    assert "thinking" not in within

    asked = [*turns(content), {"role": "assistant", "content": "Noon."}]
    asked.append({"role": "user", "content": "And now?"})
    later = messages_body(content, upstream_id=8, thinking=thinking, messages=asked)
    assert later["thinking"] == thinking


def test_unsigned_thinking_of_a_messages_upstream_is_signed_and_goes_back_unsigned():
    thinking = {"type": "thinking", "thinking": "hm", "signature": ""}
    call = {"type": "tool_use", "id": "a", "name": "clock", "input": {}}
    body = {"content": [thinking, call], "stop_reason": "tool_use", "usage": {}}
    request = parse.messages_request(
        b'{"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}'
    )
    reply = FORMATS["messages"].decode_reply(
        json.dumps(body).encode(), request=request, upstream_id=MAKER
    )
    assert reply.content[0]["signature"]

    own = messages_body(reply.content, upstream_id=MAKER)["messages"][1]["content"]
    assert own == [thinking, call]
    foreign = messages_body(reply.content, upstream_id=8)["messages"][1]["content"]
    assert foreign == [call]


@pytest.mark.parametrize("call_id", ["functions.clock:0", "x" * 65, "a b"])
def test_ids_that_a_format_refuses_are_mapped_the_same_for_call_and_result(call_id: str):
    content = [{"type": "tool_use", "id": call_id, "name": "clock", "input": {}}]
    messages = messages_body(content, upstream_id=8)["messages"]
    mapped = messages[1]["content"][0]["id"]
    assert mapped == messages[2]["content"][0]["tool_use_id"] != call_id
    assert mapped.isalnum()

    exact = upstream("mistral")
    sent = encoded(messages=turns(content), tools=TOOLS, upstream=exact)["messages"]
    [call] = sent[1]["tool_calls"]
    assert call["id"] == sent[2]["tool_call_id"]
    assert len(call["id"]) == 9


def test_ids_that_fit_are_left_alone():
    content = [{"type": "tool_use", "id": "functions.clock:0", "name": "clock", "input": {}}]
    assert sent_back(content, upstream())["tool_calls"][0]["id"] == "functions.clock:0"


@pytest.mark.parametrize("answer", [plain, streamed])
def test_an_id_that_holds_a_signature_goes_back_to_the_server_that_made_it(answer: Any):
    """LiteLLM keeps Gemini's in it; other servers refuse such an id."""
    call_id = "call_1__thought__" + "c2ln" * 500
    content = answer({"content": None, "tool_calls": [called("clock", "{}", call_id)]})
    assert content[0]["id"] == call_id

    own = encoded(messages=turns(content), tools=TOOLS, upstream=upstream("litellm"))["messages"]
    assert (own[1]["tool_calls"][0]["id"], own[2]["tool_call_id"]) == (call_id, call_id)
    foreign = sent_back(content, upstream("vllm"))
    assert len(foreign["tool_calls"][0]["id"]) <= 40
    messages = messages_body(content, upstream_id=8)["messages"]
    assert len(messages[1]["content"][0]["id"]) <= 64
