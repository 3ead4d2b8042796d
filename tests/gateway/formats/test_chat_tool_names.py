"""Tool names over 64 characters are shortened for the upstream and restored in its reply."""

import json
import re

from hypothesis import given
from hypothesis import strategies as st

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
