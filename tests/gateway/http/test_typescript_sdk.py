"""A caller drives the gateway with the official TypeScript SDK, in Node."""

import json

import pytest

from tests.support import agent_turn
from tests.support.customers import Customer
from tests.support.gateways import NewCustomer
from tests.support.replies import (
    answers,
    counts,
    cut,
    event,
    events,
    message,
    says,
    silence,
    streams,
    then,
    until_read,
)
from tests.support.scripted_upstream import ScriptedUpstream
from tests.support.typescript_sdk import run

BUSY = answers(b'{"error": {"type": "overloaded_error"}}', status=529)
TEXT = "The quick brown fox jumps over the lazy dog"


def test_it_reads_a_whole_answer(customer: Customer, upstream: ScriptedUpstream) -> None:
    script = upstream.script(says(TEXT))

    seen = run("plain", customer, script.prompt)

    assert seen["message"]["content"] == [{"type": "text", "text": TEXT}]
    assert seen["message"]["usage"]["credits_consumed"] == 60
    assert seen["requestId"].startswith("req_")
    assert customer.charges() == [60]


def test_it_reads_a_stream(customer: Customer, upstream: ScriptedUpstream) -> None:
    script = upstream.script(says(TEXT))

    seen = run("stream", customer, script.prompt)

    assert "".join(seen["heard"]) == TEXT
    assert len(seen["heard"]) > 1
    assert seen["final"]["content"][0]["text"] == TEXT
    assert seen["final"]["stop_reason"] == "end_turn"
    assert seen["final"]["usage"]["output_tokens"] == 23
    assert customer.charges() == [60]


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("scripted/priced", "a-name-for-insiders"),
        ("anthropic/claude-sonnet", "claude-sonnet-4-5"),
    ],
)
def test_betas_and_their_fields_pass_the_list_of_a_model(
    customer: Customer, upstream: ScriptedUpstream, model: str, name: str
) -> None:
    customer.give(10**7)
    script = upstream.script(says(TEXT))
    turn = agent_turn.fields(script.prompt, model=model) | {"max_tokens": 4_000}

    seen = run("betas", customer, json.dumps(turn | {"betas": agent_turn.BETAS.split(",")}))

    assert seen["final"]["content"][0]["text"] == TEXT
    [request] = script.requests
    assert request.body == turn | {"model": name}
    assert request.headers["anthropic-beta"] == agent_turn.BETAS


def test_it_finds_the_price_in_the_last_delta(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(says(TEXT))

    seen = run("events", customer, script.prompt)

    *_, delta, stop = seen["events"]
    assert (delta["type"], stop["type"]) == ("message_delta", "message_stop")
    assert delta["usage"]["credits_consumed"] == 60


def test_it_raises_the_error_of_each_kind(
    new_customer: NewCustomer, customer: Customer, upstream: ScriptedUpstream
) -> None:
    revoked = new_customer()
    revoked.revoke()
    broken = upstream.script(streams(*events()[:3], until_read, cut))

    seen = [
        run("plain", revoked),
        run("plain", new_customer(credits=0)),
        run("events", customer, broken.prompt),
    ]

    assert [error["raised"] for error in seen] == [
        "AuthenticationError",
        "PaymentRequiredError",
        "APIError",
    ]
    assert [error["type"] for error in seen] == [
        "authentication_error",
        "billing_error",
        "api_error",
    ]
    assert seen[0]["requestID"].startswith("req_")


def test_it_leaves_a_stream_early(customer: Customer, upstream: ScriptedUpstream) -> None:
    script = upstream.script(streams(*events(TEXT)[:3], silence))

    run("leave", customer, script.prompt)

    script.wait_for_hang_up()
    customer.wait_for_record()
    assert customer.charges() == [14 + 2 * 1]


def test_it_pages_through_the_models(customer: Customer) -> None:
    ids = run("models", customer)["ids"]

    assert len(ids) == len(set(ids)) > 4


def test_it_runs_a_loop_of_tools(customer: Customer, upstream: ScriptedUpstream) -> None:
    call = event(
        "content_block_start",
        index=0,
        content_block={"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {}},
    )
    pieces = [
        event(
            "content_block_delta",
            index=0,
            delta={"type": "input_json_delta", "partial_json": piece},
        )
        for piece in ('{"ci', 'ty": "Lis', 'bon"}')
    ]
    start, *_, stop, end, last = events()
    script = upstream.script(then(streams(start, call, *pieces, stop, end, last), says(TEXT)))

    seen = run("tools", customer, script.prompt)

    assert seen["call"]["stop_reason"] == "tool_use"
    assert seen["call"]["content"][0]["input"] == {"city": "Lisbon"}
    assert seen["final"]["content"][0]["text"] == TEXT
    [result] = script.requests[1].body["messages"][2]["content"]
    assert (result["tool_use_id"], result["content"]) == ("toolu_1", "Sunny in Lisbon")
    assert customer.charges() == [60, 60]


def test_it_runs_a_loop_of_tools_by_itself(customer: Customer, upstream: ScriptedUpstream) -> None:
    """It sends what is new alone, until it hears that nothing else is held here."""
    call = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Lisbon"}}
    asking = answers(message(content=[call], stop_reason="tool_use"))
    script = upstream.script(then(asking, says(TEXT)))

    seen = run("runner", customer, script.prompt)

    assert seen["content"][0]["text"] == TEXT
    sent = script.requests[-1].body["messages"]
    assert [turn["role"] for turn in sent] == ["user", "assistant", "user"]
    assert sent[2]["content"][0]["content"] == "Sunny in Lisbon"
    assert customer.charges() == [60, 60]


def test_it_sends_an_image(customer: Customer, upstream: ScriptedUpstream) -> None:
    script = upstream.script(says(TEXT))

    assert run("image", customer, script.prompt)["content"][0]["text"] == TEXT
    [image, _] = script.requests[0].body["messages"][0]["content"]
    assert image["source"]["data"] == "aGk="


def test_it_reads_thinking_with_its_signature(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    start, *rest = events(TEXT)
    block = {"type": "thinking", "thinking": "", "signature": ""}
    deltas = (
        {"type": "thinking_delta", "thinking": "Well …"},
        {"type": "signature_delta", "signature": "c2ln"},
    )
    thinking = [
        event("content_block_start", index=9, content_block=block),
        *(event("content_block_delta", index=9, delta=delta) for delta in deltas),
        event("content_block_stop", index=9),
    ]
    script = upstream.script(streams(start, *thinking, *rest))

    seen = run("thinking", customer, script.prompt)

    thought, text = seen["content"]
    assert (thought["thinking"], thought["signature"]) == ("Well …", "c2ln")
    assert text["text"] == TEXT


def test_it_tries_again_by_itself_when_the_upstream_is_busy(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(then(BUSY, BUSY, BUSY, says(TEXT)))

    assert run("retries", customer, script.prompt)["content"][0]["text"] == TEXT
    assert customer.charges() == [60]


def test_it_counts_tokens(customer: Customer, upstream: ScriptedUpstream) -> None:
    script = upstream.script(says(), counting=counts(41))

    assert run("count", customer, script.prompt) == {"input_tokens": 41}
