"""Reads have limits of their own; counting tokens and reading never use up each other's."""

from contextlib import ExitStack

import pytest

from gateway.errors import RateLimited
from gateway.limits.read_limits import ReadLimits
from tests.support.callers import Caller, request_body
from tests.support.gateways import NewCustomer, StartGateway
from tests.support.replies import counts, says
from tests.support.scripted_upstream import ScriptedUpstream


def test_so_many_reads_at_once_and_those_of_another_workspace_beside() -> None:
    limits = ReadLimits("reads", at_once=2, per_minute=100)
    with ExitStack() as running:
        for _ in range(2):
            running.enter_context(limits.counted(1))
        with pytest.raises(RateLimited, match="2 reads running"):
            running.enter_context(limits.counted(1))
        running.enter_context(limits.counted(2))

    with limits.counted(1):
        pass


def test_so_many_in_a_minute_that_slides() -> None:
    now = [0.0]
    limits = ReadLimits("reads", at_once=5, per_minute=10, clock=lambda: now[0])

    def reads(count: int) -> int:
        done = 0
        for _ in range(count):
            try:
                with limits.counted(1):
                    done += 1
            except RateLimited:
                continue
        return done

    assert reads(12) == 10
    now[0] = 60.0
    assert reads(12) == 0
    now[0] = 90.0
    assert reads(12) == 5
    now[0] = 300.0
    assert reads(12) == 10


def test_one_that_costs_much_may_exceed_the_minute_and_the_next_waits_for_as_long() -> None:
    now = [0.0]
    limits = ReadLimits("counts", at_once=5, per_minute=10, clock=lambda: now[0])
    with limits.counted(1), limits.counted(1):
        limits.add(1, 18)
        with pytest.raises(RateLimited) as refused:
            limits.add(1, 18)

    assert refused.value.retry_after_s == 60
    with pytest.raises(RateLimited), limits.counted(1):
        pass
    with limits.counted(2):
        limits.add(2, 0)
    now[0] = 120.0
    with limits.counted(1):
        pass


def test_each_process_counts_reads_for_itself(
    new_customer: NewCustomer, start_gateway: StartGateway
) -> None:
    """They protect a process, as docs/configuration.md says: two of them allow twice as many."""
    gateways = [start_gateway(READ_LIMITS="per_minute=3") for _ in range(2)]
    customer = new_customer()

    for gateway in gateways:
        caller = Caller(gateway.url, customer.token)
        assert [caller.get("/v1/credits").status for _ in range(4)] == [200, 200, 200, 429]


def test_a_large_count_counts_as_many_small_ones(
    new_customer: NewCustomer, start_gateway: StartGateway, upstream: ScriptedUpstream
) -> None:
    gateway = start_gateway(READ_LIMITS="per_minute=30")
    large, dense, other = (new_customer(url=gateway.url) for _ in range(3))
    script = upstream.script(says(), counting=counts(7))
    small = request_body(script.prompt, max_tokens=None)
    text = request_body(script.prompt + " " + "x" * 8_000_000, max_tokens=None)
    values = request_body(script.prompt, max_tokens=None, metadata={"x": [[]] * 160_000})

    for customer, body in ((large, text), (dense, values)):
        answers = [customer.caller.post("/v1/messages/count_tokens", body) for _ in range(2)]
        assert [answer.status for answer in answers] == [200, 429]
        assert answers[1].headers["retry-after"] != "1"
        assert customer.caller.post("/v1/messages/count_tokens", small).status == 429
        assert customer.ask(script.prompt).status == 200
    assert other.caller.post("/v1/messages/count_tokens", small).status == 200


def test_reads_counts_and_calls_have_limits_apart_and_models_have_none(
    new_customer: NewCustomer, start_gateway: StartGateway, upstream: ScriptedUpstream
) -> None:
    gateway = start_gateway(READ_LIMITS="per_minute=3", RATE_LIMITS="requests=2")
    customer, other = (new_customer(url=gateway.url) for _ in range(2))
    script = upstream.script(says(), counting=counts(7))
    body = request_body(script.prompt, max_tokens=None)

    reads = [customer.caller.get("/v1/credits").status for _ in range(4)]
    counted = [customer.caller.post("/v1/messages/count_tokens", body).status for _ in range(4)]
    models = {customer.caller.get("/v1/models").status for _ in range(9)}

    assert reads == [200, 200, 200, 429]
    assert counted == [200, 200, 200, 429]
    assert models == {200}
    assert other.caller.get("/v1/credits").status == 200
    assert [customer.ask(script.prompt).status for _ in range(3)] == [200, 200, 429]
