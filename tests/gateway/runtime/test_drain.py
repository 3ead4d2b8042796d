"""A gateway is asked to stop: running calls end in order, and what is written stays right."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

from tests.support.customers import Customer, begin_mixed
from tests.support.gateways import NewCustomer, StartGateway
from tests.support.replies import after_release, events, says, silence, streams, wait
from tests.support.scripted_upstream import ScriptedUpstream
from tests.support.waiting import eventually
from usage.models import Ending


def test_a_process_that_is_asked_to_stop_lets_its_calls_come_to_their_end(
    new_customer: NewCustomer, start_gateway: StartGateway, upstream: ScriptedUpstream
) -> None:
    stopping = start_gateway(DRAIN_WINDOW_S="60")
    customer = new_customer(url=stopping.url)
    script = upstream.script(streams(*events()[:3], wait, *events()[3:]))
    stream = customer.begin(script.prompt, stream=True)
    stream.read_until("content_block_delta")
    whole = upstream.script(after_release(says()))
    plain = customer.begin(whole.prompt)
    whole.wait_for_request()

    stopping.ask_to_stop()

    eventually(lambda: not stopping.accepts(), what="the closing of the door")
    script.release()
    whole.release()
    assert [event.kind for event in stream.events()][-1] == "message_stop"
    assert plain.answer().json()["usage"]["credits_consumed"] == 60
    assert stopping.wait(within_s=60) == -signal.SIGTERM
    assert customer.charges() == [60, 60]
    assert customer.open_holds() == 0


@pytest.mark.parametrize(
    "asked_by",
    [signal.SIGTERM, signal.SIGHUP, signal.SIGINT],
    ids=["SIGTERM", "SIGHUP", "Ctrl-C"],
)
def test_calls_that_outlast_the_stopping_end_with_an_error_and_cost_nothing(
    new_customer: NewCustomer,
    start_gateway: StartGateway,
    upstream: ScriptedUpstream,
    asked_by: signal.Signals,
) -> None:
    stopping = start_gateway(DRAIN_WINDOW_S="4")
    customer = new_customer(url=stopping.url)
    script = upstream.script(streams(*events()[:3], silence))
    stream, plain = begin_mixed(customer, script, each=1)

    stopping.send_signal(asked_by)

    *_, last = stream.events()
    assert last.kind == "error"
    assert last.data["error"]["type"] == "overloaded_error"
    answer = plain.answer()
    assert (answer.status, answer.error["type"]) == (529, "overloaded_error")
    assert int(answer.headers["retry-after"]) >= 1
    stopping.wait(within_s=60)
    assert {record.ending for record in customer.records()} == {Ending.SHUTDOWN}
    assert len(customer.records()) == 2
    assert customer.charges() == []
    assert customer.open_holds() == 0


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_whose_charge_is_being_written_is_not_told_that_it_cost_nothing(
    new_customer: NewCustomer, start_gateway: StartGateway, upstream: ScriptedUpstream, stream: bool
) -> None:
    stopping = start_gateway(DRAIN_WINDOW_S="3")
    customer = new_customer(url=stopping.url)
    never, script = upstream.script(silence), upstream.script(after_release(says()))
    outlasting = new_customer(url=stopping.url).begin(never.prompt)
    call = customer.begin(script.prompt, stream=stream)
    never.wait_for_request()
    script.wait_for_request()
    with customer.wallet_locked():
        script.release()
        eventually(customer.is_awaited, what="the writer standing before the lock")
        stopping.ask_to_stop()
        eventually(lambda: "shutdown ends" in stopping.log(), what="the cut")

    answer = call.answer()

    usage = answer.transcript.usage if stream else answer.json()["usage"]
    assert usage["credits_consumed"] == 60
    assert customer.charges() == [60]
    assert outlasting.answer().status == 529
    stopping.wait(within_s=60)


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_whose_end_the_books_refuse_is_an_error_and_costs_nothing(
    customer: Customer, upstream: ScriptedUpstream, stream: bool
) -> None:
    script = upstream.script(says())
    with refusing_records_of(customer):
        answer = customer.ask(script.prompt, stream=stream)

    error = answer.transcript.error if stream else answer.error
    assert error is not None
    assert error["details"]["error_code"] == "internal_failure"
    customer.wait_until_settled()
    assert customer.charges() == []


@contextmanager
def refusing_records_of(customer: Customer) -> Iterator[None]:
    """No call of theirs can be recorded, for the length of the block."""
    table = "ALTER TABLE usage_requestrecord"
    with connection.cursor() as cursor:
        cursor.execute(
            f"{table} ADD CONSTRAINT refusing CHECK (workspace_id <> {customer.workspace.pk})"
            " NOT VALID"
        )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"{table} DROP CONSTRAINT refusing")


def test_a_second_ctrl_c_does_not_wait_for_calls(
    new_customer: NewCustomer, start_gateway: StartGateway, upstream: ScriptedUpstream
) -> None:
    stopping = start_gateway(DRAIN_WINDOW_S="600")
    customer = new_customer(url=stopping.url)
    script = upstream.script(streams(*events()[:3], silence))
    stream, plain = begin_mixed(customer, script, each=1)
    stopping.send_signal(signal.SIGINT)
    eventually(lambda: not stopping.accepts(), what="the closing of the door")

    stopping.send_signal(signal.SIGINT)

    stopping.wait(within_s=60)
    script.wait_for_hang_up()
    for call in (stream, plain):
        call.hang_up()


def test_what_waits_to_be_written_is_written_before_the_process_ends(
    new_customer: NewCustomer, start_gateway: StartGateway, upstream: ScriptedUpstream
) -> None:
    stopping = start_gateway(DRAIN_WINDOW_S="60")
    customer = new_customer(url=stopping.url)
    script = upstream.script(after_release(says()))
    call = customer.begin(script.prompt)
    script.wait_for_request()
    with customer.wallet_locked():
        script.release()
        eventually(customer.is_awaited, what="the writer standing before the lock")
        call.reset()
        stopping.ask_to_stop()
        eventually(lambda: not stopping.accepts(), what="the closing of the door")

    stopping.wait(within_s=60)

    assert customer.charges() == [60]
    assert customer.wait_for_record().ending == Ending.COMPLETED


@pytest.mark.parametrize("stream", [False, True])
def test_who_hangs_up_on_a_stopping_process_is_treated_as_ever(
    new_customer: NewCustomer,
    start_gateway: StartGateway,
    upstream: ScriptedUpstream,
    stream: bool,
) -> None:
    stopping = start_gateway(DRAIN_WINDOW_S="60")
    customer = new_customer(url=stopping.url)
    script = upstream.script(streams(*events()[:3], silence))
    call = customer.begin(script.prompt, stream=stream)
    script.wait_for_request()
    if stream:
        call.read_until("content_block_delta")
    stopping.ask_to_stop()
    eventually(lambda: not stopping.accepts(), what="the closing of the door")

    call.reset()

    script.wait_for_hang_up()
    record = customer.wait_for_record()
    assert record.ending == Ending.CALLER_LEFT
    assert customer.charges() == ([14 + 2 * 2] if stream else [])
