"""System messages in the middle of a conversation reach each server where it takes them."""

import json
from typing import Any

import pytest

from gateway.errors import Refusal, UpstreamRefused
from gateway.formats import FORMATS
from gateway.request import parse
from tests.support.chat_completions import encoded, upstream

USER = {"role": "user", "content": "Hello"}
CALL = {"type": "tool_use", "id": "a", "name": "clock", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "a", "content": "noon"}
TOOLS = [{"name": "clock", "input_schema": {}}]


def system(text: str) -> dict[str, Any]:
    return {"role": "system", "content": text}


def chat(messages: list[Any], *, as_user: bool = False, **fields: Any) -> list[dict[str, Any]]:
    row = upstream(system_turns="user") if as_user else upstream()
    sent: list[dict[str, Any]] = encoded(messages=messages, upstream=row, **fields)["messages"]
    return sent


def of_messages(messages: list[Any], *, as_user: bool = False, **fields: Any) -> dict[str, Any]:
    body = {"model": "m", "max_tokens": 9, "messages": messages} | fields
    post = FORMATS["messages"].encode_request(
        parse.messages_request(json.dumps(body).encode()),
        upstream_model="m",
        max_tokens=9,
        stream=False,
        upstream=upstream(system_turns="user") if as_user else upstream(),
    )
    sent: dict[str, Any] = json.loads(post.body)
    return sent


def test_turns_before_the_first_user_turn_join_the_system_prompt():
    messages = [system("b"), system("c"), USER]
    assert chat(messages, system="a") == [
        {"role": "system", "content": "a\n\nb\n\nc"},
        USER,
    ]
    sent = of_messages(messages, system="a")
    assert [block["text"] for block in sent["system"]] == ["a", "b", "c"]
    assert sent["messages"] == [USER]


def test_later_turns_stay_in_place_merged_with_their_neighbours():
    messages = [USER, system("b"), system("c"), {"role": "assistant", "content": "Hi"}, USER]
    assert chat(messages) == [USER, system("b\n\nc"), *messages[3:]]
    sent = of_messages(messages)["messages"]
    assert [one["role"] for one in sent] == ["user", "system", "assistant", "user"]
    assert [block["text"] for block in sent[1]["content"]] == ["b", "c"]


@pytest.mark.parametrize("send", [chat, lambda *a, **k: of_messages(*a, **k)["messages"]])
def test_as_user_turns_they_are_part_of_the_users_turn(send: Any):
    sent = send([USER, system("b"), {"role": "assistant", "content": "Hi"}, USER], as_user=True)
    assert [one["role"] for one in sent] == ["user", "assistant", "user"]
    assert [part["text"] for part in sent[0]["content"]] == ["Hello", "b"]


def test_as_user_turns_they_come_after_the_results_of_tools():
    messages = [
        USER,
        {"role": "assistant", "content": [CALL]},
        system("b"),
        {"role": "user", "content": [RESULT]},
    ]
    sent = of_messages(messages, as_user=True, tools=TOOLS)["messages"]
    assert [block["type"] for block in sent[2]["content"]] == ["tool_result", "text"]
    assert [one["role"] for one in chat(messages, as_user=True, tools=TOOLS)] == [
        "user",
        "assistant",
        "tool",
        "user",
    ]


def test_without_system_turns_nothing_changes():
    messages = [USER, {"role": "assistant", "content": "Hi"}, USER]
    assert of_messages(messages, as_user=True)["messages"] == messages


@pytest.mark.parametrize("wire", FORMATS)
@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "System message must be at the beginning."),
        (500, "System message must be at the beginning."),
        (400, "Conversation roles must alternate user/assistant/user/assistant/..."),
        (422, "Only the first message can be a system message: system message only allowed first"),
        (400, "messages.1.role: Input should be 'user' or 'assistant'"),
        (400, "Unexpected message role: system"),
    ],
)
def test_a_refusal_of_them_is_recognised(wire: str, status: int, words: str):
    error = FORMATS[wire].decode_error(status, json.dumps({"error": words}).encode(), None)
    assert isinstance(error, UpstreamRefused)
    assert error.refusal is Refusal.SYSTEM_TURNS


@pytest.mark.parametrize("words", ["system overloaded at first", "messages.0.role: Field required"])
def test_other_refusals_are_not(words: str):
    error = FORMATS["messages"].decode_error(400, json.dumps({"error": words}).encode(), None)
    assert isinstance(error, UpstreamRefused)
    assert error.refusal is Refusal.OTHER
