"""A caller sends a prompt and gets the whole answer, its price, and a smaller balance."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.callers import Caller, request_body
from tests.support.customers import Customer
from tests.support.gateways import NewCustomer
from tests.support.replies import answers, completion, counts, message, says, usage
from tests.support.scripted_upstream import ScriptedUpstream
from tests.support.servers import WebServer
from usage.models import Ending

FORMATS = ["scripted/messages", "scripted/chat"]
# Line separators that are none in JSON, a NUL, both ends of the planes, and right-to-left.
ODD_TEXT = "a\u2028b\u2029c\u0085d\u0000e\x1f \U0001f9ff\U0010ffff \u05d0\u200f <&> \\ \" '\r\n"
WEATHER = {
    "name": "weather",
    "description": "The weather somewhere",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}


@pytest.mark.parametrize("model", FORMATS)
def test_an_answer_has_the_documented_shape(
    customer: Customer, upstream: ScriptedUpstream, model: str
) -> None:
    script = upstream.script(says("Hello there"))

    answer = customer.ask(script.prompt, model=model)

    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert re.fullmatch(r"req_[0-9a-f]{32}", answer.headers["request-id"])
    assert answer.headers["caicaini-credits-consumed"] == str(14 + 2 * 23)
    body = answer.json()
    assert re.fullmatch(r"msg_[0-9a-f]{32}", body.pop("id"))
    assert body == {
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{"type": "text", "text": "Hello there"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 14,
            "output_tokens": 23,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "credits_consumed": 14 + 2 * 23,
        },
    }


def test_the_balance_falls_by_exactly_what_the_answer_says(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(says())
    before = customer.caller.get("/v1/credits").json()

    consumed = customer.ask(script.prompt).json()["usage"]["credits_consumed"]

    after = customer.caller.get("/v1/credits").json()
    assert after["available"] == before["available"] - consumed
    assert after["held"] == 0
    assert customer.charges() == [consumed]


def test_the_public_example_costs_12_credits(
    new_customer: NewCustomer, small: WebServer, upstream: ScriptedUpstream
) -> None:
    """14 and 23 tokens on caicaini/auto at the shipped prices, which lead to the embedded model;
    this gateway has the scripted upstream in its place."""
    customer = new_customer(url=small.url)
    script = upstream.script(answers(message(usage=usage(14, 23))))

    answer = customer.ask(script.prompt, model="caicaini/auto")

    assert answer.json()["usage"]["credits_consumed"] == 12
    assert answer.json()["model"] == "caicaini/swift"
    assert customer.charges() == [12]


def test_cached_tokens_have_their_own_prices_and_the_sum_is_rounded_once(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(answers(message(usage=usage(14, 23, cache_write=10, cache_read=7))))

    answer = customer.ask(script.prompt)

    # 14 + 46 + 12.5 + 0.7 = 73.2
    assert answer.json()["usage"]["credits_consumed"] == 74
    assert customer.charges() == [74]


def test_cached_tokens_of_a_chat_completion_are_not_paid_twice(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    details = {"cached_tokens": 60}
    counts = {"prompt_tokens": 100, "completion_tokens": 5, "prompt_tokens_details": details}
    script = upstream.script(answers(completion(usage=counts)))

    counted = customer.ask(script.prompt, model="scripted/chat").json()["usage"]

    assert (counted["input_tokens"], counted["cache_read_input_tokens"]) == (40, 60)
    assert counted["credits_consumed"] == 40 + 6 + 10


@pytest.mark.parametrize("model", FORMATS)
def test_odd_characters_come_through_unchanged(
    customer: Customer, upstream: ScriptedUpstream, model: str
) -> None:
    script = upstream.script(says(ODD_TEXT))

    answer = customer.ask(script.prompt + ODD_TEXT, model=model)

    assert answer.json()["content"] == [{"type": "text", "text": ODD_TEXT}]
    assert script.requests[0].body["messages"][-1]["content"] == script.prompt + ODD_TEXT


def test_the_upstream_gets_the_request_but_nothing_of_the_callers_identity(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(says())

    customer.ask(
        script.prompt,
        max_tokens=1_000_000,
        temperature=0.5,
        context_management={"kept": [1, 2.5, None]},
        headers={"anthropic-beta": "one-2026-01-01,two", "cookie": "session=secret"},
    )

    [seen] = script.requests
    assert seen.path == "/v1/messages"
    assert seen.body["model"] == "a-name-for-insiders"
    assert seen.body["max_tokens"] == 4096  # clamped to the model's most
    assert seen.body["temperature"] == 0.5
    assert seen.body["context_management"] == {"kept": [1, 2.5, None]}
    assert seen.headers["anthropic-beta"] == "one-2026-01-01,two"
    assert customer.token not in f"{seen.headers}{seen.raw!r}"
    assert "cookie" not in seen.headers
    assert "user-agent" not in seen.headers
    assert "accept-encoding" not in seen.headers  # what is not asked for cannot be a bomb


@pytest.mark.parametrize("model", FORMATS)
def test_a_tool_is_called_and_its_result_sent_back(
    customer: Customer, upstream: ScriptedUpstream, model: str
) -> None:
    wanted = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Lima"}}
    function = {"name": "weather", "arguments": '{"city": "Lima"}'}
    calls = [{"id": "toolu_1", "type": "function", "function": function}]
    said = {"role": "assistant", "content": None, "tool_calls": calls}
    choice = {"index": 0, "message": said, "finish_reason": "tool_calls"}
    is_chat = model == "scripted/chat"
    asking = upstream.script(
        answers(
            completion(choices=[choice])
            if is_chat
            else message(content=[wanted], stop_reason="tool_use")
        )
    )

    first = customer.ask(asking.prompt, model=model, tools=[WEATHER]).json()

    assert first["content"] == [wanted]
    assert first["stop_reason"] == "tool_use"

    answering = upstream.script(says("Foggy"))
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "fog"}
    turns = [
        {"role": "user", "content": answering.prompt},
        {"role": "assistant", "content": first["content"]},
        {"role": "user", "content": [result]},
    ]
    second = customer.ask("", model=model, tools=[WEATHER], messages=turns).json()

    assert second["content"][0]["text"] == "Foggy"
    last = answering.requests[0].body["messages"][-1]
    expected = (
        {"role": "tool", "tool_call_id": "toolu_1", "content": "fog"}
        if is_chat
        else {"role": "user", "content": [result]}
    )
    assert last == expected


def test_an_answer_without_words_still_has_a_block_to_read(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(answers(message(content=[], usage=usage(14, 0))))

    body = customer.ask(script.prompt).json()

    assert body["content"] == [{"type": "text", "text": ""}]
    assert body["usage"]["credits_consumed"] == 14


def test_auto_takes_the_cheapest_model_that_can_and_says_why(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(says())

    answer = customer.ask(script.prompt, model="caicaini/auto", tools=[WEATHER])

    assert answer.json()["model"] == "scripted/able"
    assert answer.headers["caicaini-route"] == 'scripted/able; dropped="caicaini/swift: tools"'
    record = customer.wait_for_record()
    assert (record.requested_model, record.resolved_model) == ("caicaini/auto", "scripted/able")
    assert record.route == 'scripted/able; needs="tools"; dropped="caicaini/swift: tools"'


def test_betas_may_come_in_several_headers(customer: Customer, upstream: ScriptedUpstream) -> None:
    script = upstream.script(says(), counting=counts(5))
    headers = {"anthropic-beta": "one-2026-01-01", "Anthropic-Beta": "two,three"}
    body = request_body(script.prompt)

    customer.caller.post("/v1/messages", body, headers)
    customer.caller.post("/v1/messages/count_tokens", body, headers)

    for seen in (*script.requests, *script.counts):
        assert seen.headers["anthropic-beta"] == "one-2026-01-01, two,three"


def test_many_calls_at_once_are_each_answered_and_charged_on_their_own(
    customer: Customer, twin: WebServer, upstream: ScriptedUpstream
) -> None:
    def ask(number: int) -> tuple[str, int]:
        caller = customer.caller if number % 2 else customer.at(twin.url)
        counts = usage(number, 1)
        script = upstream.script(answers(message(f"answer {number}", usage=counts)))
        body = caller.ask(script.prompt).json()
        return body["content"][0]["text"], body["usage"]["credits_consumed"]

    numbers = range(1, 61)
    with ThreadPoolExecutor(20) as pool:
        results = list(pool.map(ask, numbers))

    assert results == [(f"answer {number}", number + 2) for number in numbers]
    assert sorted(customer.charges()) == [number + 2 for number in numbers]


def test_a_connection_serves_several_callers_in_turn(
    new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    """A proxy between us and the callers keeps one connection for many of them."""
    one, other = new_customer(), new_customer()
    script = upstream.script(says())
    body = request_body(script.prompt)

    def request(token: str) -> bytes:
        head = f"POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nx-api-key: {token}\r\n"
        return head.encode() + b"content-length: %d\r\n\r\n%s" % (len(body), body)

    call = Caller(one.url, one.token).call(
        "POST", "/v1/messages", body, {"connection": "keep-alive"}
    )
    first = json.loads(call.response.read())
    second, third = (call.next(request(token)) for token in (other.token, "cai_api_wrong"))

    assert first["usage"]["credits_consumed"] == 60
    assert second.status == 200
    assert third.status == 401
    assert (one.charges(), other.charges()) == ([60], [60])


def test_a_call_is_recorded_as_its_caller_saw_it(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    script = upstream.script(answers(message(usage=usage(5, 6, cache_write=8, cache_read=10))))

    answer = customer.ask(script.prompt)

    record = customer.wait_for_record()
    counted = answer.json()["usage"]
    assert f"req_{record.id.hex}" == answer.headers["request-id"]
    assert record.key_id == customer.key.pk
    assert (record.source, record.status, record.error_type) == ("api", 200, "")
    assert (record.ending, record.stop_reason) == (Ending.COMPLETED, "end_turn")
    assert (record.requested_model, record.resolved_model) == ("scripted/messages",) * 2
    assert not record.is_stream
    assert not record.is_usage_estimated
    for name in ("input", "output", "cache_creation_input", "cache_read_input"):
        assert getattr(record, f"{name}_tokens") == counted[f"{name}_tokens"]
    assert record.credits == counted["credits_consumed"] == 5 + 12 + 10 + 1
    assert record.lost_credits == 0
    assert record.first_byte_ms is not None
    assert 0 <= record.first_byte_ms <= record.duration_ms


def test_the_embedded_model_answers(customer: Customer, embedded_model: str) -> None:
    answer = customer.ask(
        "Say a few words about rain.", model="caicaini/auto", max_tokens=12, temperature=0
    )

    body = answer.json()
    assert answer.status == 200
    assert body["model"] == embedded_model
    assert body["content"][0]["text"].strip()
    assert 0 < body["usage"]["output_tokens"] <= 12
    # The shipped price, in exact numbers: 100,000 and 450,000 per million.
    tokens = body["usage"]["input_tokens"] * 100_000 + body["usage"]["output_tokens"] * 450_000
    tokens += body["usage"]["cache_read_input_tokens"] * 10_000
    assert body["usage"]["credits_consumed"] == -(-tokens // 1_000_000)
    assert customer.charges() == [body["usage"]["credits_consumed"]]
