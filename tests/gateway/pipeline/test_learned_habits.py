"""An upstream that refuses system turns, or thinking of others, is spared them from then on by the
workspace whose call it refused."""

import json
from typing import Any

import pytest

from tests.support.customers import Customer
from tests.support.gateways import NewCustomer, StartGateway
from tests.support.replies import after_release, answers, completion, says, then
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


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("model", MODELS, ids=["messages", "chat"])
def test_calls_side_by_side_are_all_repeated(
    start_gateway: StartGateway,
    new_customer: NewCustomer,
    upstream: ScriptedUpstream,
    model: str,
    stream: bool,
) -> None:
    """The first refusal teaches the others' calls, which are under way without knowing it."""
    customer = new_customer(url=start_gateway().url)
    refusal = after_release(answers(REFUSAL, status=MODELS[model]))
    scripts = [upstream.script(then(refusal, says())) for _ in range(3)]
    calls = [
        customer.begin(script.prompt, model=model, stream=stream, messages=asked(script))
        for script in scripts
    ]
    for script in scripts:
        script.wait_for_request()
    for script in scripts:
        script.release()

    assert [call.answer().status for call in calls] == [200] * 3
    assert [roles(script) for script in scripts] == [[["user", "system"], ["user"]]] * 3


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("model", MODELS, ids=["messages", "chat"])
def test_what_one_workspace_was_refused_changes_no_call_of_another(
    start_gateway: StartGateway,
    new_customer: NewCustomer,
    upstream: ScriptedUpstream,
    model: str,
    stream: bool,
) -> None:
    """A server may refuse a system turn only because the call lacks a beta."""
    url = start_gateway().url
    refused, other = new_customer(url=url), new_customer(url=url)
    first = upstream.script(then(answers(REFUSAL, status=MODELS[model]), says()))
    refused.ask(first.prompt, model=model, stream=stream, messages=asked(first))
    assert roles(first) == [["user", "system"], ["user"]]

    second = upstream.script(says())
    answer = other.ask(second.prompt, model=model, stream=stream, messages=asked(second))

    assert answer.status == 200
    assert roles(second) == [["user", "system"]]


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


SIGNATURE = "messages.1.content.0: Invalid `signature` in `thinking` block"
NO_BEGINNING = (
    "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`."
)
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "c2lnbmVkIGVsc2V3aGVyZQ=="}
ON = {"type": "enabled", "budget_tokens": 1024}


def refusing(words: str) -> Play:
    error = {"type": "invalid_request_error", "message": words}
    return answers(json.dumps({"type": "error", "error": error}).encode(), status=400)


def loop(script: Script, *thinking: dict[str, Any]) -> list[dict[str, Any]]:
    """A tool loop that another provider began."""
    call = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "ok"}
    return [
        {"role": "user", "content": script.prompt},
        {"role": "assistant", "content": [*thinking, call]},
        {"role": "user", "content": [result]},
    ]


@pytest.mark.parametrize("stream", [False, True])
def test_thinking_that_the_upstream_cannot_verify_is_left_out(
    start_gateway: StartGateway,
    new_customer: NewCustomer,
    upstream: ScriptedUpstream,
    stream: bool,
) -> None:
    """It is switched off in the loop that began with it, and the same is not tried again."""
    customer = new_customer(url=start_gateway().url)
    fields: dict[str, Any] = {"max_tokens": 2000, "stream": stream}
    script = upstream.script(then(refusing(SIGNATURE), says()))
    first = customer.ask(script.prompt, messages=loop(script, THOUGHT), thinking=ON, **fields)
    again = upstream.script(says())
    second = customer.ask(again.prompt, messages=loop(again, THOUGHT), thinking=ON, **fields)
    later = upstream.script(says())
    asked = [*loop(later, THOUGHT), {"role": "user", "content": "And now?"}]
    third = customer.ask(later.prompt, messages=asked, thinking=ON, **fields)

    assert [answer.status for answer in (first, second, third)] == [200] * 3
    assert [answer.headers["caicaini-route"] for answer in (first, second, third)] == [
        'scripted/messages; thinking="off"',
        'scripted/messages; thinking="off"',
        'scripted/messages; thinking="dropped"',
    ]
    assert script.requests[0].body["messages"][1]["content"][0] == THOUGHT
    for request in (script.requests[1], *again.requests):
        assert "thinking" not in json.dumps(request.body)
    assert later.requests[0].body["thinking"] == ON
    assert customer.charges() == [60] * 3


@pytest.mark.parametrize("stream", [False, True])
def test_thinking_that_one_workspace_was_refused_reaches_the_upstream_from_another(
    start_gateway: StartGateway,
    new_customer: NewCustomer,
    upstream: ScriptedUpstream,
    stream: bool,
) -> None:
    """Its signature is valid at the upstream if it comes from there."""
    url = start_gateway().url
    refused, other = new_customer(url=url), new_customer(url=url)
    fields: dict[str, Any] = {"max_tokens": 2000, "thinking": ON, "stream": stream}
    first = upstream.script(then(refusing(SIGNATURE), says()))
    assert refused.ask(first.prompt, messages=loop(first, THOUGHT), **fields).status == 200

    second = upstream.script(says())
    answer = other.ask(second.prompt, messages=loop(second, THOUGHT), **fields)

    assert answer.status == 200
    assert second.requests[0].body["messages"][1]["content"][0] == THOUGHT


def test_a_loop_without_thinking_goes_on_without(
    start_gateway: StartGateway, new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    customer = new_customer(url=start_gateway().url)
    for play, requests in ((then(refusing(NO_BEGINNING), says()), 2), (says(), 1)):
        script = upstream.script(play)
        answer = customer.ask(script.prompt, messages=loop(script), thinking=ON, max_tokens=2000)
        assert answer.headers["caicaini-route"] == 'scripted/messages; thinking="off"'
        assert len(script.requests) == requests
        assert "thinking" not in script.requests[-1].body


@pytest.mark.parametrize("words", [SIGNATURE, NO_BEGINNING])
def test_a_refusal_that_nothing_can_mend_is_passed_on_in_its_words(
    start_gateway: StartGateway, new_customer: NewCustomer, upstream: ScriptedUpstream, words: str
) -> None:
    """Agents act on them."""
    customer = new_customer(url=start_gateway().url)
    script = upstream.script(refusing(words))

    answer = customer.ask(script.prompt, thinking=ON, max_tokens=2000)

    assert (answer.status, answer.error["message"]) == (400, words)
    assert len(script.requests) <= 2


def test_thinking_of_a_chat_upstream_is_left_out_elsewhere(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    reply = {"role": "assistant", "content": "Yes", "reasoning_content": "Hm."}
    choice = {"index": 0, "message": reply, "finish_reason": "stop"}
    script = upstream.script(then(answers(completion(choices=[choice])), says()))
    content = customer.ask(script.prompt, model="scripted/chat").json()["content"]
    turns = [
        {"role": "user", "content": script.prompt},
        {"role": "assistant", "content": content},
        {"role": "user", "content": "Sure?"},
    ]

    answer = customer.ask(script.prompt, messages=turns)

    assert answer.headers["caicaini-route"] == 'scripted/messages; thinking="dropped"'
    assert "Hm." not in json.dumps(script.requests[-1].body)


@pytest.mark.parametrize("stream", [False, True])
def test_thinking_is_off_in_a_loop_that_a_chat_upstream_began(
    customer: Customer, upstream: ScriptedUpstream, stream: bool
) -> None:
    """At the first attempt, and for the calls of that loop alone."""
    call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    reply = {"role": "assistant", "content": None, "reasoning_content": "Hm.", "tool_calls": [call]}
    choice = {"index": 0, "message": reply, "finish_reason": "tool_calls"}
    script = upstream.script(then(answers(completion(choices=[choice])), says()))
    content = customer.ask(script.prompt, model="scripted/chat").json()["content"]
    result = {"type": "tool_result", "tool_use_id": content[1]["id"], "content": "ok"}
    turns: list[dict[str, Any]] = [
        {"role": "user", "content": script.prompt},
        {"role": "assistant", "content": content},
        {"role": "user", "content": [result]},
    ]
    more = [{"role": "assistant", "content": "Done."}, {"role": "user", "content": "And now?"}]
    fields: dict[str, Any] = {"thinking": ON, "max_tokens": 2000, "stream": stream}

    first = customer.ask(script.prompt, messages=turns, **fields)
    second = customer.ask(script.prompt, messages=[*turns, *more], **fields)

    assert [answer.headers["caicaini-route"] for answer in (first, second)] == [
        'scripted/messages; thinking="off"',
        'scripted/messages; thinking="dropped"',
    ]
    _, in_the_loop, after_it = script.requests
    assert "thinking" not in json.dumps(in_the_loop.body)
    assert after_it.body["thinking"] == ON
    assert "Hm." not in json.dumps(after_it.body)
