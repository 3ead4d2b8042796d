"""Every refused call of a known key has a record; it costs nothing, and the audit accepts it."""

from typing import Any

import pytest

from tests.support.callers import Answer, Caller
from tests.support.customers import Customer
from tests.support.gateways import NewCustomer, StartGateway
from tests.support.replies import after_release, answers, says
from tests.support.roll_ups import sums_of
from tests.support.scripted_upstream import ScriptedUpstream
from tests.support.servers import WebServer
from tests.support.waiting import eventually
from usage import roll_up
from usage.models import RequestRecord
from usage.refusals import last_refusal


def record_of(customer: Customer, answer: Answer) -> RequestRecord:
    """Wait for the record of a refused call."""
    request_id = answer.headers["request-id"]

    def found() -> list[RequestRecord]:
        return [one for one in customer.refused() if f"req_{one.id.hex}" == request_id]

    [record] = eventually(found, what="the record of the refused call")
    return record


def assert_recorded(customer: Customer, answer: Answer, code: str) -> RequestRecord:
    record = record_of(customer, answer)
    assert record.status == answer.status
    assert (record.error_type, record.error_code) == (answer.error["type"], code)
    assert record.error_message == answer.error["message"]
    assert (record.ending, record.credits, record.lost_credits) == ("refused", 0, 0)
    assert record.key_id == customer.key.pk
    assert customer.charges() == []
    return record


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"temperature": 7}, 400, "invalid_request"),
        ({"model": "scripted/nothing"}, 404, "model_not_found"),
        ({"max_tokens": 10**9, "messages": [{"role": "user", "content": "x" * 9}]}, 402, ""),
    ],
)
def test_calls_that_are_refused_before_they_begin(
    new_customer: NewCustomer, fields: dict[str, Any], status: int, code: str, stream: bool
) -> None:
    customer = new_customer(credits=1)
    answer = customer.ask("hello", stream=stream, **fields)

    assert answer.status == status
    record = assert_recorded(customer, answer, code or "out_of_credits")
    assert record.is_stream == (stream and status != 400)
    if status == 404:
        assert (record.requested_model, record.resolved_model) == ("scripted/nothing", "")
    if status == 402:
        assert record.resolved_model == "scripted/messages"


def test_a_body_that_is_too_large(new_customer: NewCustomer, small: WebServer) -> None:
    customer = new_customer(url=small.url)
    answer = customer.ask("x" * 20_000)

    assert answer.status == 413
    assert_recorded(customer, answer, "request_too_large")


def test_a_key_that_was_revoked(customer: Customer) -> None:
    customer.revoke()
    answer = eventually(lambda: _refused(customer), what="the refusal of the key")

    assert answer.status == 401
    assert_recorded(customer, answer, "invalid_api_key")


def _refused(customer: Customer) -> Answer | None:
    answer = customer.ask("hello", model="scripted/nothing")
    return answer if answer.status == 401 else None


def test_too_many_calls_in_a_minute(new_customer: NewCustomer, start_gateway: StartGateway) -> None:
    customer = new_customer(url=start_gateway(RATE_LIMITS="requests=1,input_tokens=1000000").url)
    refused = [customer.ask("hello", model="scripted/nothing") for _ in range(80)]
    limited = [one for one in refused if one.status == 429]
    assert limited

    def counted() -> int:
        rows = [one for one in customer.refused() if one.error_code == "rate_limited"]
        return sum(row.refusals or 1 for row in rows)

    eventually(lambda: counted() == len(limited), what="a count of all refusals")
    roll_up.roll_up()
    assert sums_of(customer.workspace)["refusals"] == len(refused)


def test_too_many_calls_at_once(
    new_customer: NewCustomer, start_gateway: StartGateway, upstream: ScriptedUpstream
) -> None:
    gateway = start_gateway(MAX_CONCURRENT_CALLS="1")
    customer, other = (new_customer(url=gateway.url) for _ in range(2))
    slow = upstream.script(after_release(says()))
    running = other.begin(slow.prompt)
    slow.wait_for_request()

    answer = customer.ask("hello")

    assert answer.status == 529
    assert_recorded(customer, answer, "overloaded")
    slow.release()
    assert running.answer().status == 200


def test_a_failed_call_has_the_record_of_its_settlement_alone(
    customer: Customer, upstream: ScriptedUpstream
) -> None:
    failed = customer.ask(upstream.script(answers(b"no", status=500)).prompt)
    refused = customer.ask("hello", model="scripted/nothing")

    record_of(customer, refused)
    [record] = customer.records()
    assert f"req_{record.id.hex}" == failed.headers["request-id"]
    assert len(customer.refused()) == 1


def test_strangers_are_not_recorded(customer: Customer) -> None:
    Caller(customer.url, "cai_api_" + "0" * 38).ask("hello")
    answer = customer.ask("hello", model="scripted/nothing")

    record_of(customer, answer)
    assert len(customer.refused()) == 1


def test_the_last_refusal_is_shown_with_what_its_caller_received(customer: Customer) -> None:
    customer.ask("hello", model="scripted/nothing")
    answer = customer.ask("hello", model="scripted/nowhere")
    record_of(customer, answer)

    refusal = last_refusal(customer.workspace.pk)

    assert refusal
    assert refusal.request_id == answer.headers["request-id"]
    assert (refusal.key_id, refusal.status) == (customer.key.pk, 404)
    assert refusal.message == answer.error["message"]
