"""Tools that are added and removed in mid-conversation are on offer where a server knows no such
blocks."""

import json
from typing import Any

import pytest

from gateway.errors import InvalidRequest
from gateway.formats import FORMATS
from gateway.request import parse
from tests.support.chat_completions import called, decoded, upstream

SCHEMA = {"type": "object", "properties": {}}
USER = {"role": "user", "content": "Hello"}
PUSH, PULL = {"name": "push", "input_schema": SCHEMA}, {"name": "pull", "input_schema": SCHEMA}
LATER = {"name": "later", "input_schema": SCHEMA, "defer_loading": True}
WEB = {"type": "web_search_20260209", "name": "web_search"}


def reference(name: str) -> dict[str, Any]:
    return {"type": "tool_reference", "name": name}


def added(tool: dict[str, Any]) -> dict[str, Any]:
    inline = {"type": "tool_definition", "definition": tool}
    return {"type": "tool_addition", "tool": tool if "type" in tool else inline}


def removed(name: str) -> dict[str, Any]:
    return {"type": "tool_removal", "tool": reference(name)}


def system(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "system", "content": list(blocks)}


def sent(
    *turns: dict[str, Any],
    tools: Any = (PUSH, PULL),
    wire: str = "chat_completions",
    as_user: bool = False,
    **fields: Any,
) -> dict[str, Any]:
    body = {"model": "m", "max_tokens": 9, "messages": list(turns), "tools": list(tools)} | fields
    post = FORMATS[wire].encode_request(
        parse.messages_request(json.dumps(body).encode()),
        upstream_model="m",
        max_tokens=9,
        stream=False,
        upstream=upstream(system_turns="user") if as_user else upstream(),
    )
    decoded_body: dict[str, Any] = json.loads(post.body)
    return decoded_body


def names(body: dict[str, Any]) -> list[str]:
    return [(tool.get("function") or tool)["name"] for tool in body.get("tools", [])]


ROWS: list[tuple[str, tuple[Any, ...], list[Any], list[str]]] = [
    ("removed", (PUSH, PULL), [USER, system(removed("push"))], ["pull"]),
    ("defined", (PUSH,), [USER, system(added(PULL))], ["push", "pull"]),
    ("defined alone", (), [USER, system(added(PULL))], ["pull"]),
    ("deferred", (PUSH, LATER), [USER, system(removed("push"))], []),
    (
        "deferred, added",
        (PUSH, LATER),
        [USER, system(added(reference("later")))],
        ["push", "later"],
    ),
    (
        "removed and added again",
        (PUSH, PULL),
        [USER, system(removed("push")), USER, system(added(reference("push")))],
        ["push", "pull"],
    ),
    (
        "defined again",
        (PUSH,),
        [USER, system(removed("push"), added(PUSH | {"description": "new"}))],
        ["push"],
    ),
    (
        "a tool of the provider, removed",
        (WEB, PULL),
        [USER, system(removed("web_search"))],
        ["pull"],
    ),
    (
        "compacted",
        (PUSH,),
        [
            {
                "role": "assistant",
                "content": [
                    {"type": "compaction", "content": "…", "tool_changes": [added(PULL)]},
                    {"type": "text", "text": "Yes?"},
                ],
            },
            USER,
        ],
        ["push", "pull"],
    ),
]


@pytest.mark.parametrize(("name", "tools", "turns", "on_offer"), ROWS, ids=[row[0] for row in ROWS])
def test_a_chat_upstream_is_offered_what_is_on_offer_now(
    name: str, tools: Any, turns: list[Any], on_offer: list[str]
):
    body = sent(*turns, tools=tools)

    assert names(body) == on_offer
    assert "tool_" not in json.dumps(body["messages"])
    assert all(message["content"] for message in body["messages"])


def test_the_text_beside_a_change_stays_in_place():
    body = sent(USER, system(removed("push"), {"type": "text", "text": "No pushing."}))

    assert body["messages"] == [USER, {"role": "system", "content": "No pushing."}]


def test_a_tool_that_the_caller_finds_is_on_offer():
    call = {"type": "tool_use", "id": "a", "name": "push", "input": {}}
    found = {"type": "tool_reference", "tool_name": "later"}
    result = {"type": "tool_result", "tool_use_id": "a", "content": [found]}
    turns = [USER, {"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]

    body = sent(*turns, system(removed("push")), tools=(PUSH, LATER))

    assert names(body) == ["later"]


REFUSED = [
    added(reference("nothing")),
    removed("nothing"),
    {"type": "tool_removal", "tool": {"type": "mcp_toolset_reference", "server_name": "disk"}},
    {"type": "tool_addition", "tool": {}},
    {"type": "tool_addition"},
    added({"name": "no schema"}),
    added(WEB | {"type": "tool_definition", "definition": WEB}),
]


@pytest.mark.parametrize("block", REFUSED, ids=str)
def test_what_cannot_be_applied_is_refused(block: dict[str, Any]):
    with pytest.raises(InvalidRequest):
        sent(USER, system(block))


def test_a_choice_may_name_a_tool_that_is_added_but_none_that_is_removed():
    body = sent(USER, system(added(PULL)), tools=(), tool_choice={"type": "tool", "name": "pull"})
    assert body["tool_choice"]["function"]["name"] == "pull"

    with pytest.raises(InvalidRequest):
        sent(USER, system(removed("push")), tool_choice={"type": "tool", "name": "push"})


def test_a_messages_upstream_receives_the_blocks_as_they_are():
    turns = [USER, system(removed("push"), added(LATER))]

    body = sent(*turns, wire="messages")

    assert (body["messages"], body["tools"]) == (turns, [PUSH, PULL])


def test_one_that_takes_no_system_turns_has_them_applied():
    turns = [USER, system(removed("push"))]
    leading = [system(removed("push")), USER]

    for body in (
        sent(*turns, wire="messages", as_user=True),
        sent(*leading, wire="messages"),
        sent(*leading),
    ):
        assert (body["messages"], names(body)) == ([USER], ["pull"])


def test_the_system_prompt_changes_no_tools():
    with pytest.raises(InvalidRequest):
        sent(USER, system=[removed("push")])


def test_a_helper_model_of_an_added_tool_needs_a_price_like_any_other():
    helper = {"type": "advisor_20260301", "name": "advisor", "model": "opus"}
    addition = {
        "type": "tool_addition",
        "tool": {"type": "tool_definition", "definition": helper},
    }
    body = {"model": "m", "max_tokens": 9, "messages": [USER, system(addition)]}

    assert parse.messages_request(json.dumps(body).encode()).helpers == (("opus", 20),)


def test_a_call_of_an_added_tool_has_its_name():
    body = {"model": "m", "max_tokens": 9, "messages": [USER, system(added(PULL))]}
    checked = parse.messages_request(json.dumps(body).encode())

    reply = decoded({"tool_calls": [called("functions.pull", "{}")]}, checked=checked)

    assert reply.content[0]["name"] == "pull"
