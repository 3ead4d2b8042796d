"""LangChain, the AI SDK and pydantic-ai carry conversations through strict upstreams.

The upstreams refuse what the real services refuse, so each turn shows that the client has sent back
what they need of the turn before. Each client runs all of its conversations in one process.
"""

import json
from typing import Any

import pytest

from tests.support import clients
from tests.support.clients import Turn, Walk
from tests.support.customers import Customer
from tests.support.scripted_catalogue import DIALECTS, OTHER_MESSAGES
from tests.support.scripted_upstream import Script, ScriptedUpstream
from tests.support.strict.chat_server import SERVERS
from tests.support.strict.plays import checks

SCRIPTS = ["langchain_client.py", "pydantic_ai_client.py", "ai_sdk_client.mjs"]
MODELS = [f"scripted/{name}" for name in ("messages", "chat", *DIALECTS, OTHER_MESSAGES)]
# Those that think; they receive their own thinking back.
THINKERS = {
    *("scripted/messages", f"scripted/{OTHER_MESSAGES}"),
    *(f"scripted/{one.name or 'chat'}" for one in SERVERS.values() if one.reasoning_field),
}
CALLS: dict[str, Any] = {
    "thinking": "Hm, a thought.",
    "text": "I will look.",
    "calls": [("functions.look", {"at": "C:\\dir"}), ("listen<|channel|>commentary", {})],
}
ANSWER = {"thinking": "Done, I think.", "text": "Nothing to see.", "calls": []}
PLAN = [CALLS, CALLS, ANSWER]
PRICE = 14 + 2 * 23
LOOP = 3  # a call, another one, and the answer
# Each model after each of its neighbours, in both directions, and as many turns as whole loops.
CROSSING = [*MODELS, *reversed(MODELS), MODELS[0]]


@pytest.mark.parametrize("script", SCRIPTS)
def test_it_carries_tool_loops_with_thinking_through_each_upstream(
    customer: Customer, upstream: ScriptedUpstream, script: str
) -> None:
    walks, scripts = [], []
    for model in MODELS:
        for stream in (False, True):
            played = upstream.script(checks(*PLAN))
            scripts.append(played)
            walks.append(Walk(played.prompt, [model] * LOOP, stream))

    seen = clients.carry(script, customer, walks)

    for walk, played, turns in zip(walks, scripts, seen, strict=True):
        thinks = walk.models[0] in THINKERS
        assert turns == [_received(turn, thinks=thinks) for turn in PLAN], walk
        if thinks:
            assert _thoughts_sent_back(played) == [0, 1, 2], walk
    assert customer.charges() == [PRICE] * LOOP * len(walks)


@pytest.mark.parametrize("script", SCRIPTS)
def test_it_carries_one_conversation_across_all_upstreams(
    customer: Customer, upstream: ScriptedUpstream, script: str
) -> None:
    walks = [
        Walk(upstream.script(checks(*PLAN)).prompt, CROSSING, stream) for stream in (False, True)
    ]

    seen = clients.carry(script, customer, walks)

    for turns in seen:
        assert [turn.text for turn in turns] == [one["text"] for one in _planned(CROSSING)]
        assert [turn.calls for turn in turns] == [_called(one) for one in _planned(CROSSING)]
    assert customer.charges() == [PRICE] * len(CROSSING) * len(walks)


def _planned(models: list[str]) -> list[dict[str, Any]]:
    return [PLAN[place % len(PLAN)] for place in range(len(models))]


def _received(turn: dict[str, Any], *, thinks: bool) -> Turn:
    return Turn(turn["thinking"] if thinks else "", turn["text"], _called(turn))


def _called(turn: dict[str, Any]) -> list[str]:
    return ["look", "listen"] if turn["calls"] else []


def _thoughts_sent_back(played: Script) -> list[int]:
    """How often the thought is in each request that the upstream received."""
    thought = json.dumps(CALLS["thinking"])
    return [request.raw.decode().count(thought) for request in played.requests]
