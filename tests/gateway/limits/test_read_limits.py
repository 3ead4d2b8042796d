"""Reads have limits of their own; counting tokens and reading never use up each other's."""

from contextlib import ExitStack

import pytest

from gateway.errors import RateLimited
from gateway.limits.read_limits import ReadLimits
from tests.support.callers import request_body
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
