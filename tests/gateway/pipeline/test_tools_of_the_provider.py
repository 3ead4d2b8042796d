"""What tools of the provider cost: held for, counted by the upstream, a line of the charge."""

import json
from typing import Any

import pytest

from gateway.request import parse
from tests.support import agent_turn, scripted_catalogue
from tests.support.api_description import Description
from tests.support.callers import request_body
from tests.support.customers import Customer
from tests.support.gateways import NewCustomer
from tests.support.replies import (
    Step,
    after_release,
    answers,
    counts,
    event,
    events,
    message,
    says,
    streams,
    usage,
    wait,
)
from tests.support.scripted_upstream import Play, ScriptedUpstream

MODEL = "scripted/tools"
CONTEXT_TOKENS = 200_000
SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}
FETCH = {"type": "web_fetch_20250910", "name": "web_fetch", "max_uses": 2}
CODE = {"type": "code_execution_20250825", "name": "code_execution"}
UNNAMED_USES = 20
MOST_ROUNDS = 10
# A whole context, at the dearest of the input prices: 5/4 of a credit.
PASS = CONTEXT_TOKENS * 5 // 4
CALLS: dict[str, dict[str, Any]] = {
    name: {"type": "server_tool_use", "id": f"srvtoolu_{name}", "name": name, "input": {}}
    for name in ("web_search", "bash_code_execution")
}


def answering(stream: bool, token_usage: Any, *, blocks: tuple[str, ...] = ()) -> Play:
    """An answer that begins with uses of tools."""
    if not stream:
        content = [*(CALLS[name] for name in blocks), {"type": "text", "text": "Found"}]
        return answers(message(content=content, usage=token_usage))
    start = usage() | {"server_tool_use": {"web_search_requests": 0}}
    began, *rest = events("Found", start_usage=start, end_usage=token_usage)
    return streams(began, *used(blocks), *rest)


def used(blocks: tuple[str, ...]) -> list[Step]:
    frames: list[Step] = []
    for index, name in enumerate(blocks, start=1):
        frames.append(event("content_block_start", index=index, content_block=CALLS[name]))
        frames.append(event("content_block_stop", index=index))
    return frames


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_uses_are_charged_as_the_upstream_counts_them(
    customer: Customer, upstream: ScriptedUpstream, description: Description, stream: bool
) -> None:
    customer.give(10**7)
    told = usage(100, 10) | {"server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1}}
    script = upstream.script(answering(stream, told, blocks=("web_search",) * 3))

    answer = customer.ask(script.prompt, model=MODEL, stream=stream, tools=[SEARCH, FETCH, CODE])

    assert answer.status == 200
    counted = answer.whole()["usage"]
    assert counted["server_tool_use"] == told["server_tool_use"]
    charge = 100 + 20 + 2 * 500 + 1
    assert counted["credits_consumed"] == charge
    record = customer.wait_for_record()
    assert (record.credits, record.lost_credits) == (charge, 0)
    assert record.input_tokens + record.output_tokens == 110
    found = customer.caller.get(f"/v1/requests/{answer.headers['request-id']}")
    description.assert_answer_fits(found, "getRequest")
    lines = {line["class"]: line for line in found.json()["lines"]}
    assert lines["input"]["tokens"] == 100
    assert (lines["web_search"]["uses"], lines["web_search"]["credits_per_1000_uses"]) == (
        2,
        500_000,
    )
    assert lines["web_fetch"]["microcredits"] == 1_000_000
    assert "code_execution" not in lines
    assert sum(line["microcredits"] for line in lines.values()) == charge * 1_000_000


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_uses_that_the_upstream_does_not_count_are_counted_in_its_answer(
    customer: Customer, upstream: ScriptedUpstream, stream: bool
) -> None:
    customer.give(10**7)
    blocks = ("web_search", "bash_code_execution", "bash_code_execution")
    script = upstream.script(answering(stream, usage(100, 10), blocks=blocks))

    answer = customer.ask(script.prompt, model=MODEL, stream=stream, tools=[SEARCH, CODE])

    # Two runs at a quarter of a credit each, and the sum is rounded up once.
    assert answer.whole()["usage"]["credits_consumed"] == 100 + 20 + 500 + 1


@pytest.mark.parametrize(
    ("tools", "uses", "rereads"),
    [
        ([SEARCH | {"max_uses": 1}], 500, 1),
        ([SEARCH], 3 * 500, 3),
        ([SEARCH, FETCH], 3 * 500 + 2, 5),
        (
            [SEARCH | {"max_uses": 7}, {"type": "web_search_20260209", "name": "more"}],
            27 * 500,
            MOST_ROUNDS,
        ),
        ([CODE], UNNAMED_USES // 4, MOST_ROUNDS),
        ([{"name": "clock", "input_schema": {"type": "object"}}], 0, 0),
    ],
)
def test_the_most_that_they_can_cost_is_held(
    new_customer: NewCustomer,
    upstream: ScriptedUpstream,
    tools: list[dict[str, Any]],
    uses: int,
    rereads: int,
) -> None:
    """With the conversation and their results, which the model reads again after each use."""
    customer = new_customer(credits=10_000_000)
    script = upstream.script(after_release(says()))
    fields: dict[str, Any] = {"model": MODEL, "tools": tools, "max_tokens": 100}
    call = customer.begin(script.prompt, **fields)
    script.wait_for_request()
    first = scripted_catalogue.bound(request_body(script.prompt, **fields), max_tokens=100)
    assert customer.wallet().held == first + rereads * PASS + uses

    script.release()
    assert call.answer().status == 200
    assert script.requests[0].body["tools"] == tools


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_search_that_fills_the_context_each_time_is_charged_within_the_hold(
    new_customer: NewCustomer, upstream: ScriptedUpstream, stream: bool
) -> None:
    """The upstream reports the sum of what the model has read in all of its rounds."""
    customer = new_customer(credits=2_000_000)
    told = usage(1_000, 100, cache_write=3 * CONTEXT_TOKENS) | {
        "server_tool_use": {"web_search_requests": 3}
    }
    script = upstream.script(answering(stream, told))

    answer = customer.ask(script.prompt, model=MODEL, stream=stream, tools=[SEARCH], max_tokens=100)

    charge = 1_000 + 3 * PASS + 2 * 100 + 3 * 500
    assert answer.whole()["usage"]["credits_consumed"] == charge
    record = customer.wait_for_record()
    assert (record.credits, record.lost_credits) == (charge, 0)


def test_a_long_conversation_is_held_for_as_one_context_at_each_pass(
    new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    customer = new_customer(credits=2_000_000)
    script = upstream.script(after_release(says()))
    long = "x" * (CONTEXT_TOKENS + 1)
    call = customer.begin(script.prompt, model=MODEL, tools=[SEARCH], system=long, max_tokens=100)
    script.wait_for_request()

    assert customer.wallet().held == 4 * PASS + 2 * 100 + 3 * 500
    script.release()
    assert call.answer().status == 200


def test_a_count_of_the_tokens_does_not_lower_what_is_held(
    new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    customer = new_customer(credits=100_000)
    script = upstream.script(says(), counting=counts(20))
    fields: dict[str, Any] = {"model": MODEL, "tools": [SEARCH], "max_tokens": 100}

    refused = customer.ask(script.prompt, **fields)

    assert refused.status == 402
    first = scripted_catalogue.bound(request_body(script.prompt, **fields), max_tokens=100)
    assert refused.error["details"]["credits_required"] == first + 3 * PASS + 1_500
    assert (script.requests, script.counts) == ([], [])


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_what_is_above_the_hold_is_our_loss(
    new_customer: NewCustomer, upstream: ScriptedUpstream, stream: bool
) -> None:
    customer = new_customer(credits=1_000_000)
    told = usage(100, 10) | {"server_tool_use": {"web_search_requests": 10_000}}
    script = upstream.script(answering(stream, told))
    fields: dict[str, Any] = {"model": MODEL, "tools": [SEARCH], "max_tokens": 100}
    fields["stream"] = stream

    answer = customer.ask(script.prompt, **fields)

    first = scripted_catalogue.bound(request_body(script.prompt, **fields), max_tokens=100)
    held = first + 3 * PASS + 1_500
    assert answer.whole()["usage"]["credits_consumed"] == held
    record = customer.wait_for_record()
    assert (record.credits, record.lost_credits) == (held, 120 + 5_000_000 - held)


def advisor(**fields: Any) -> dict[str, Any]:
    """A tool with which the provider calls a further model."""
    kind = {"type": "advisor_20260301", "name": "advisor", "model": "helper-for-insiders"}
    return kind | fields


# A context and an answer of the helper, and a further context of the model that it helps; output is
# 2 credits a token.
HELPED_ONCE = 2 * PASS + 2 * 4096


@pytest.mark.parametrize(
    ("tools", "beyond"),
    [
        ([advisor(max_uses=1)], HELPED_ONCE),
        ([advisor(max_uses=2)], 2 * HELPED_ONCE),
        ([advisor(max_uses=1), advisor(max_uses=1, name="other")], 2 * HELPED_ONCE),
        ([advisor()], UNNAMED_USES * HELPED_ONCE),
    ],
)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_what_a_model_that_a_tool_calls_can_cost_is_held(
    new_customer: NewCustomer,
    upstream: ScriptedUpstream,
    tools: list[dict[str, Any]],
    beyond: int,
    stream: bool,
) -> None:
    """Nothing but the number of its uses bounds it: neither the body nor `max_tokens`."""
    customer = new_customer(credits=20_000_000)
    script = upstream.script(after_release(says()))
    fields: dict[str, Any] = {"tools": tools, "max_tokens": 100, "stream": stream}
    call = customer.begin(script.prompt, **fields)
    script.wait_for_request()
    first = scripted_catalogue.bound(request_body(script.prompt, **fields), max_tokens=100)
    assert customer.wallet().held == first + beyond

    script.release()
    assert call.answer().status == 200
    assert script.requests[0].body["tools"] == tools


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_model_that_a_tool_calls_is_charged_within_the_hold(
    new_customer: NewCustomer, upstream: ScriptedUpstream, stream: bool
) -> None:
    customer = new_customer(credits=1_000_000)
    of_message = usage(1_000, 50) | {"type": "message"}
    of_helper = usage(150_000, 4_000) | {
        "type": "advisor_message",
        "model": "helper-for-insiders",
    }
    told = usage(1_000, 100) | {"iterations": [of_message, of_helper, of_message]}
    script = upstream.script(answering(stream, told))

    tools = [advisor(max_uses=1)]
    answer = customer.ask(script.prompt, stream=stream, tools=tools, max_tokens=100)

    charge = 2 * (1_000 + 2 * 50) + 150_000 + 2 * 4_000
    assert answer.whole()["usage"]["credits_consumed"] == charge < HELPED_ONCE
    record = customer.wait_for_record()
    assert (record.credits, record.lost_credits) == (charge, 0)


def test_a_call_that_cannot_pay_for_the_model_that_its_tool_calls_is_refused(
    new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(says(), counting=counts(20))
    fields: dict[str, Any] = {"tools": [advisor(max_uses=1)], "max_tokens": 100}
    first = scripted_catalogue.bound(request_body(script.prompt, **fields), max_tokens=100)
    customer = new_customer(credits=first + HELPED_ONCE - 1)

    refused = customer.ask(script.prompt, **fields)

    assert refused.status == 402
    assert refused.error["details"]["credits_required"] == first + HELPED_ONCE
    assert (script.requests, script.counts) == ([], [])


COMPACTING = {"edits": [{"type": "clear_tool_uses_20250919"}, {"type": "compact_20260112"}]}


@pytest.mark.parametrize(
    ("management", "words", "is_longer"),
    [
        (COMPACTING, 60_000, True),
        (COMPACTING, 40_000, False),
        ({"edits": [{"type": "clear_tool_uses_20250919"}]}, 60_000, False),
    ],
    ids=["long", "too short", "only cleared"],
)
def test_the_pass_that_compacts_a_long_conversation_is_held_for(
    new_customer: NewCustomer,
    upstream: ScriptedUpstream,
    management: dict[str, Any],
    words: int,
    is_longer: bool,
) -> None:
    customer = new_customer(credits=1_000_000)
    script = upstream.script(after_release(says()))
    fields: dict[str, Any] = {
        "context_management": management,
        "system": "x" * words,
        "max_tokens": 100,
    }
    call = customer.begin(script.prompt, **fields)
    script.wait_for_request()

    once = scripted_catalogue.bound(request_body(script.prompt, **fields), max_tokens=100)
    of_input = once - 2 * 100
    of_summary = 4096 * 5 // 4 + 2 * 4096
    expected = once + of_input + of_summary if is_longer else once
    assert abs(customer.wallet().held - expected) <= 1  # rounded up once, not twice
    script.release()
    assert call.answer().status == 200


def test_a_caller_that_leaves_pays_for_the_searches_that_were_made(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    began, *rest = events(
        "Found it", start_usage=usage(100, 1) | {"server_tool_use": {"web_search_requests": 0}}
    )
    script = upstream.script(streams(began, *used(("web_search", "web_search")), *rest[:2], wait))
    call = customer.begin(script.prompt, model=MODEL, stream=True, tools=[SEARCH])
    call.read_until("content_block_delta")

    call.hang_up()

    record = customer.wait_for_record()
    assert [line["units"] for line in record.lines if line["class"] == "web_search"] == [2]
    assert record.credits >= 100 + 2 * 500


def test_a_model_without_a_list_runs_no_tool_of_its_provider(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(says())
    for fields in ({"tools": [SEARCH]}, {"speed": "fast"}, {"container": "c_1"}):
        refused = customer.ask(script.prompt, **fields)
        assert (refused.status, refused.error["type"]) == (400, "invalid_request_error")
    assert script.requests == []
    assert customer.charges() == []


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("model", ["scripted/messages", "scripted/chat", MODEL])
def test_fields_of_other_apis_are_dropped_and_named(
    customer: Customer, upstream: ScriptedUpstream, model: str, stream: bool
) -> None:
    script = upstream.script(says())
    odd = {"n": 3, "b\r\nä: 1": 1}

    answer = customer.ask(script.prompt, model=model, stream=stream, **odd)

    assert answer.status == 200
    is_listed = model == MODEL
    named = answer.headers["caicaini-dropped"]
    assert named == ("" if is_listed else "n, ") + "b%0D%0A%C3%A4%3A%201"
    assert "caicaini-dropped" in answer.headers["access-control-expose-headers"]
    assert script.requests[0].body.get("n") == (3 if is_listed else None)
    assert "caicaini-dropped" not in customer.ask(upstream.script(says()).prompt).headers


@pytest.mark.parametrize("model", ["scripted/messages", "scripted/priced", "scripted/open"])
def test_an_hour_in_the_cache_is_asked_for_where_it_has_a_price(
    customer: Customer, upstream: ScriptedUpstream, model: str
) -> None:
    customer.give(10**7)
    script = upstream.script(says())
    hour = {"type": "ephemeral", "ttl": "1h"}
    text = {"type": "text", "text": script.prompt, "cache_control": hour}
    call = {"type": "tool_use", "id": "t", "name": "keep", "input": {"cache_control": hour}}
    inner = [{"type": "text", "text": "x", "cache_control": hour}]
    result = {"type": "tool_result", "tool_use_id": "t", "content": inner}
    fields: dict[str, Any] = {
        "system": [{"type": "text", "text": "s", "cache_control": hour}],
        "tools": [{"name": "keep", "input_schema": {"type": "object"}}],
        "messages": [
            {"role": "user", "content": [text]},
            {"role": "assistant", "content": [call]},
            {"role": "user", "content": [result]},
        ],
    }

    beta = "one-1,extended-cache-ttl-2025-04-11"
    answer = customer.ask("", model=model, headers={"anthropic-beta": beta}, **fields)

    assert answer.status == 200
    [seen] = script.requests
    sent = {name: seen.body[name] for name in fields}
    if model == "scripted/messages":
        five_minutes = {"type": "ephemeral"}
        assert seen.headers["anthropic-beta"] == "one-1"
        assert sent["system"][0]["cache_control"] == five_minutes
        assert sent["messages"][0]["content"][0]["cache_control"] == five_minutes
        assert sent["messages"][2]["content"][0]["content"][0]["cache_control"] == five_minutes
        assert sent["messages"][1] == fields["messages"][1]  # the caller's own data
    else:
        assert (sent, seen.headers["anthropic-beta"]) == (fields, beta)


@pytest.mark.parametrize("model", ["scripted/priced", "anthropic/claude-sonnet"])
def test_a_turn_of_a_coding_agent_arrives_unchanged(
    customer: Customer, upstream: ScriptedUpstream, model: str
) -> None:
    """Without a list, and with the one that the shipped catalogue shows for Anthropic."""
    customer.give(10**7)
    script = upstream.script(says())
    turn = agent_turn.fields(script.prompt, model=model)

    answer = customer.ask("", headers=agent_turn.HEADERS, **turn)

    assert answer.status == 200
    [seen] = script.requests
    name = "claude-sonnet-4-5" if model.startswith("anthropic") else "a-name-for-insiders"
    most = min(turn["max_tokens"], seen.body["max_tokens"])  # clamped to the model's most
    assert seen.body == turn | {"model": name, "max_tokens": most}
    assert seen.headers["anthropic-beta"] == agent_turn.BETAS
    assert seen.headers["anthropic-version"] == agent_turn.HEADERS["anthropic-version"]
    assert "caicaini-dropped" not in answer.headers


@pytest.mark.parametrize("model", ["scripted/priced", "anthropic/claude-sonnet"])
def test_a_turn_of_a_coding_agent_is_counted_as_it_is(
    customer: Customer, upstream: ScriptedUpstream, model: str
) -> None:
    script = upstream.script(says(), counting=counts(321))
    turn = agent_turn.fields(script.prompt, model=model)
    counted = {name: value for name, value in turn.items() if name not in parse.NOT_COUNTED}

    path = "/v1/messages/count_tokens?beta=true"
    answer = customer.caller.post(path, json.dumps(counted).encode(), agent_turn.HEADERS)

    assert answer.json() == {"input_tokens": 321}
    [seen] = script.counts
    name = "claude-sonnet-4-5" if model.startswith("anthropic") else "a-name-for-insiders"
    assert seen.body == counted | {"model": name}
    assert seen.headers["anthropic-beta"] == agent_turn.BETAS
