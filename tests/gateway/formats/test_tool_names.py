"""Names of tools reach each server in a form that it accepts, and the caller as it knows them."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.formats import FORMATS
from gateway.formats.tool_names import Names
from tests.support.chat_completions import (
    CALL,
    FORMAT,
    LONG_NAME,
    RESULT,
    TOOL,
    decoded,
    encoded,
    request,
)


def test_long_tool_names_are_shortened_consistently_and_restored():
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
def test_every_tool_name_is_restored(name: str):
    checked = request(tools=[TOOL | {"name": name}])
    post = FORMAT.encode_request(checked, upstream_model="m", max_tokens=1, stream=False)
    short = json.loads(post.body)["tools"][0]["function"]["name"]
    assert len(short) <= 64
    call = {"id": "a", "function": {"name": short, "arguments": "{}"}}
    assert decoded({"tool_calls": [call]}, checked=checked).content[0]["name"] == name


OFFERED = [
    {"name": name} for name in ("get_weather", "get_time", "mcp__disk__read", "Read", "read")
]
MADE_UP = {
    "functions.get_weather": "get_weather",
    "functions.get_weather:0": "get_weather",
    "get_weather<|channel|>commentary": "get_weather",
    "get_weather<|channel|>get_time": "get_weather",
    "<|start|>get_weather": "get_weather",
    "default_api:get_time": "get_time",
    " get_time ": "get_time",
    "get_time()": "get_time",
    "Get-Weather": "get_weather",
    "mcp.disk.read": "read",
    "mcp/disk-read": "mcp__disk__read",
    # Either tool may be meant, or none is.
    "READ": "READ",
    "get_weather.get_time": "get_weather_get_time",
    "functions.unknown": "functions_unknown",
    "…": "tool",
}


@pytest.mark.parametrize(("made_up", "name"), MADE_UP.items())
def test_a_name_that_a_model_makes_up_is_the_tool_that_it_can_only_mean(made_up: str, name: str):
    assert Names(OFFERED).restored(made_up) == name


@given(
    name=st.text(min_size=1, max_size=200),
    offered=st.lists(st.from_regex(r"[a-z_]{1,9}", fullmatch=True)),
)
def test_any_name_comes_out_in_a_form_that_the_next_turn_accepts(name: str, offered: list[str]):
    names = Names([{"name": one} for one in offered])

    restored = names.restored(name)

    assert restored in offered or re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", restored)
    assert names.restored(restored) == restored
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", names.sent(name)) or name in offered


@pytest.mark.parametrize("wire", ["messages", "chat_completions"])
@pytest.mark.parametrize("name", ["functions.clock", "functions.unknown", "x" * 200])
def test_names_in_a_conversation_from_elsewhere_are_accepted(wire: str, name: str):
    checked = request(
        tools=[TOOL],
        messages=[
            {"role": "user", "content": "What time is it?"},
            {"role": "assistant", "content": [CALL | {"name": name}]},
            {"role": "user", "content": [RESULT]},
        ],
    )

    post = FORMATS[wire].encode_request(checked, upstream_model="m", max_tokens=1, stream=False)

    sent = _name_of_call(json.loads(post.body)["messages"][1])
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", sent)
    assert (sent == "clock") is (name == "functions.clock")


def _name_of_call(message: dict[str, Any]) -> str:
    if calls := message.get("tool_calls"):
        return str(calls[0]["function"]["name"])
    return str(message["content"][0]["name"])
