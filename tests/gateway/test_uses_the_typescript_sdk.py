"""A caller drives the gateway with the official TypeScript SDK, in Node."""

from tests.gateway.conftest import NewCustomer
from tests.gateway.customers import Customer
from tests.gateway.replies import cut, events, says, silence, streams
from tests.gateway.scripted_upstream import ScriptedUpstream
from tests.gateway.typescript_sdk import run

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
    broken = upstream.script(streams(*events()[:3], cut))

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
