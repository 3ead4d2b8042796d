"""An upstream that refuses system messages in mid-conversation gets user turns, from then on."""

import json
from typing import Any

import pytest

from tests.support.customers import Customer
from tests.support.gateways import NewCustomer, StartGateway
from tests.support.replies import answers, says, then
from tests.support.scripted_upstream import Play, Script, ScriptedUpstream

REFUSAL = json.dumps({"error": {"message": "System message must be at the beginning."}}).encode()
# What the models refuse with: Ollama passes its chat template's error on as a 500.
MODELS = {"scripted/messages": 400, "scripted/chat": 500}


def asked(script: Script) -> list[dict[str, Any]]:
    return [
        {"role": "user", "content": script.prompt},
        {"role": "system", "content": "Be brief."},
    ]


def roles(script: Script) -> list[list[str]]:
    return [
        [message["role"] for message in request.body["messages"]] for request in script.requests
    ]


def test_a_refused_call_is_repeated_once_and_the_upstream_remembered(
    start_gateway: StartGateway, new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    """In a process of its own: others must not learn of it."""
    server = start_gateway()
    for model in MODELS:
        _assert_learns(new_customer(url=server.url), upstream, model)


def _assert_learns(customer: Customer, upstream: ScriptedUpstream, model: str) -> None:
    first = upstream.script(then(answers(REFUSAL, status=MODELS[model]), says()))
    answer = customer.ask(first.prompt, model=model, messages=asked(first))
    assert answer.status == 200
    assert roles(first) == [["user", "system"], ["user"]]

    for stream in (False, True):
        second = upstream.script(says())
        customer.ask(second.prompt, model=model, stream=stream, messages=asked(second))
        assert roles(second) == [["user"]]
    assert customer.charges() == [60] * 3


@pytest.mark.parametrize("model", MODELS)
def test_a_refusal_of_something_else_is_final(
    customer: Customer, upstream: ScriptedUpstream, model: str
) -> None:
    play: Play = answers(b'{"error": {"message": "too hot"}}', status=400)
    script = upstream.script(play)

    answer = customer.ask(script.prompt, model=model, messages=asked(script))

    assert answer.status == 400
    assert len(script.requests) == 1


def test_a_refusal_of_a_call_without_system_turns_is_final(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(answers(REFUSAL, status=400))

    assert customer.ask(script.prompt).status == 400
    assert len(script.requests) == 1
