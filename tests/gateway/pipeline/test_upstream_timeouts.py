"""How long an upstream may be silent: before its first byte, after it, and in all."""

import time

import pytest

from gateway.pipeline import attempts
from gateway.request import parse
from tests.gateway.conftest import NewCustomer, StartGateway
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


class _Call:
    """As much of a call as the limits of an attempt depend on."""

    def __init__(self, *, stream: bool) -> None:
        body = (
            b'{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"Hi"}],"stream":%s}'
        )
        self.request = parse.messages_request(body % (b"true" if stream else b"false"))


@pytest.mark.parametrize(
    ("stream", "is_another_left", "waits_for_total"),
    [(False, False, True), (False, True, False), (True, False, False), (True, True, False)],
)
def test_only_a_plain_call_with_nowhere_else_to_go_waits_for_the_total(
    stream: bool, is_another_left: bool, waits_for_total: bool
) -> None:
    ends_at = time.monotonic() + 100_000

    limits = attempts._limits(_Call(stream=stream), ends_at, is_another_left=is_another_left)

    assert (limits.first_byte_s == limits.total_s) is waits_for_total


def test_all_attempts_share_one_clock() -> None:
    ends_at = time.monotonic() + 50

    first = attempts._limits(_Call(stream=True), ends_at, is_another_left=True)
    later = attempts._limits(_Call(stream=True), ends_at - 30, is_another_left=False)
    over = attempts._limits(_Call(stream=True), ends_at - 100, is_another_left=False)

    assert first.total_s <= 50
    assert later.total_s <= 20
    assert over.total_s == 0
