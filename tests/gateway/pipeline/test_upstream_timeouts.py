"""How long an upstream may be silent: before its first byte, after it, and in all."""

import time

import pytest

from gateway.pipeline import attempts
from gateway.upstreams.client import Deadlines
from tests.support.gateways import NewCustomer, StartGateway
from tests.support.replies import after_release, answers, does, says, silence, then
from tests.support.scripted_upstream import ScriptedUpstream
from usage.models import Ending

BROKEN = answers(b"<html>", status=502, content_type="text/html")
IDLE_S = 0.5
LONGER_THAN_IDLE_S = 1.5
both_ways = pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
both_formats = pytest.mark.parametrize(
    "model", ["scripted/messages", "scripted/chat"], ids=["messages", "chat"]
)


@both_ways
@both_formats
def test_the_idle_limit_does_not_count_before_the_first_byte(
    new_customer: NewCustomer,
    start_gateway: StartGateway,
    upstream: ScriptedUpstream,
    model: str,
    stream: bool,
) -> None:
    gateway = start_gateway(UPSTREAM_IDLE_TIMEOUT_S=str(IDLE_S))
    customer = new_customer(url=gateway.url)
    script = upstream.script(after_release(says()))

    call = customer.begin(script.prompt, model=model, stream=stream)
    script.wait_for_request()
    time.sleep(LONGER_THAN_IDLE_S)
    script.release()

    assert call.answer().status == 200
    assert customer.wait_for_record().ending == Ending.COMPLETED
    assert len(script.requests) == 1


def test_a_plain_call_without_another_upstream_waits_past_the_first_byte_limit(
    new_customer: NewCustomer, start_gateway: StartGateway, upstream: ScriptedUpstream
) -> None:
    gateway = start_gateway(UPSTREAM_FIRST_BYTE_TIMEOUT_S=str(IDLE_S))
    customer = new_customer(url=gateway.url)
    script = upstream.script(after_release(says()))

    call = customer.begin(script.prompt)
    script.wait_for_request()
    time.sleep(LONGER_THAN_IDLE_S)
    script.release()

    assert call.answer().status == 200


@both_ways
def test_a_silent_upstream_is_left_where_another_can_answer(
    new_customer: NewCustomer,
    start_gateway: StartGateway,
    upstream: ScriptedUpstream,
    stream: bool,
) -> None:
    gateway = start_gateway(UPSTREAM_FIRST_BYTE_TIMEOUT_S="1")
    customer = new_customer(url=gateway.url)
    script = upstream.script(then(does(silence), says()))

    answer = customer.ask(script.prompt, model="scripted/two", stream=stream)

    assert answer.status == 200
    paths = [request.path for request in script.requests]
    assert paths == ["/first/v1/messages", "/v1/chat/completions"]


def test_an_upstream_that_timed_out_is_not_asked_again_for_the_same_call(
    new_customer: NewCustomer, start_gateway: StartGateway, upstream: ScriptedUpstream
) -> None:
    gateway = start_gateway(UPSTREAM_FIRST_BYTE_TIMEOUT_S="1")
    customer = new_customer(url=gateway.url)
    script = upstream.script(then(does(silence), BROKEN, says()))

    answer = customer.ask(script.prompt, model="scripted/two")

    assert answer.status == 200
    paths = [request.path for request in script.requests]
    assert paths == ["/first/v1/messages", "/v1/chat/completions", "/v1/chat/completions"]


DEADLINES = Deadlines(connect_s=5, first_byte_s=300, idle_s=60, total_s=900)


@pytest.mark.parametrize(("may_leave", "first_byte_s"), [(True, 300), (False, 800)])
def test_only_a_call_that_may_leave_is_bound_by_the_first_byte_limit(
    may_leave: bool, first_byte_s: float
) -> None:
    ends_at = time.monotonic() + 800

    limits = attempts.limits_of_attempt(DEADLINES, ends_at, may_leave=may_leave)

    assert limits.first_byte_s == pytest.approx(first_byte_s, abs=30)


def test_all_attempts_share_one_clock() -> None:
    ends_at = time.monotonic() + 800

    first, later, last = (
        attempts.limits_of_attempt(DEADLINES, ends_at - passed_s, may_leave=True).total_s
        for passed_s in (0, 400, 900)
    )

    assert 700 < first <= 800
    assert 300 < later <= 400
    assert last == 0
