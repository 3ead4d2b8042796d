"""A client carries one conversation through upstreams that refuse what the real services refuse."""

from typing import Any

import pytest
from anthropic import Anthropic

from tests.support import typescript_sdk
from tests.support.customers import Customer
from tests.support.scripted_catalogue import DIALECTS, OTHER_MESSAGES
from tests.support.scripted_upstream import ScriptedUpstream
from tests.support.strict.plays import checks

MODELS = [f"scripted/{name}" for name in ("messages", *DIALECTS, OTHER_MESSAGES, "chat")]
# Each one after each neighbour, in both directions.
WAY = [*MODELS, *reversed(MODELS)]
TURN = {
    "thinking": "Hm.",
    "text": "I will look.",
    "calls": [("functions.look", {"at": "C:\\dir"}), ("listen<|channel|>commentary", {})],
}
TOOLS: list[Any] = [
    {"name": name, "input_schema": {"type": "object", "properties": {}}}
    for name in ("look", "listen")
]
THINKING: Any = {"type": "enabled", "budget_tokens": 1024}


@pytest.mark.parametrize("thinking", [{}, {"thinking": THINKING}], ids=["plain", "thinking"])
@pytest.mark.parametrize("stream", [False, True])
def test_the_python_sdk_carries_it(
    customer: Customer, upstream: ScriptedUpstream, stream: bool, thinking: dict[str, Any]
) -> None:
    script = upstream.script(checks(TURN))
    turns: list[Any] = [{"role": "user", "content": script.prompt}]
    with Anthropic(base_url=customer.url, api_key=customer.token, max_retries=0) as client:
        for model in WAY:
            asked: dict[str, Any] = {"model": model, "max_tokens": 2000, "tools": TOOLS} | thinking
            if stream:
                with client.messages.stream(messages=turns, **asked) as events:
                    reply: Any = events.get_final_message()
            else:
                reply = client.messages.create(messages=turns, **asked)
            calls = [block for block in reply.content if block.type == "tool_use"]
            assert [call.name for call in calls] == ["look", "listen"]
            results = [
                {"type": "tool_result", "tool_use_id": call.id, "content": "ok"} for call in calls
            ]
            turns += [
                {"role": "assistant", "content": reply.content},
                {"role": "user", "content": results},
            ]
    assert customer.charges() == [60] * len(WAY)


def test_the_typescript_sdk_carries_it(customer: Customer, upstream: ScriptedUpstream) -> None:
    script = upstream.script(checks(TURN))

    seen = typescript_sdk.run("crossing", customer, script.prompt, *WAY)

    assert seen["names"] == [["look", "listen"]] * len(WAY)
    assert customer.charges() == [60] * len(WAY)
