"""A circuit breaker closes an upstream that fails; retries have a budget."""

import pytest

from gateway.upstreams.circuit_breaker import CircuitBreakers, retry_after_s


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breakers(clock: Clock) -> CircuitBreakers:
    return CircuitBreakers(clock=clock)


def fail(breakers: CircuitBreakers, times: int) -> None:
    for _ in range(times):
        breakers.failed(1)


def test_four_failures_in_a_row_are_forgiven(breakers: CircuitBreakers):
    fail(breakers, 4)
    breakers.succeeded(1)
    fail(breakers, 4)

    assert breakers.blocked() == {}
    assert breakers.begin(1)


def test_after_five_no_call_is_admitted_for_ten_seconds(breakers: CircuitBreakers, clock: Clock):
    fail(breakers, 5)
    assert breakers.blocked() == {1: pytest.approx(10)}
    assert not breakers.begin(1)

    clock.now += 10.1

    assert breakers.blocked() == {}
    assert breakers.begin(1)


def test_after_that_one_call_at_a_time_is_admitted(breakers: CircuitBreakers, clock: Clock):
    fail(breakers, 5)
    clock.now += 10.1

    assert [breakers.begin(1) for _ in range(3)] == [True, False, False]
    assert 1 in breakers.blocked()

    breakers.abandoned(1)
    assert [breakers.begin(1) for _ in range(2)] == [True, False]


def test_a_failed_probe_opens_it_again_and_a_success_closes_it(
    breakers: CircuitBreakers, clock: Clock
):
    fail(breakers, 5)
    clock.now += 10.1
    assert breakers.begin(1)
    fail(breakers, 1)
    assert not breakers.begin(1)

    clock.now += 10.1
    assert breakers.begin(1)
    breakers.succeeded(1)

    assert [breakers.begin(1) for _ in range(3)] == [True, True, True]
    fail(breakers, 1)
    assert breakers.blocked() == {}


def test_a_time_to_wait_is_obeyed_at_once(breakers: CircuitBreakers, clock: Clock):
    breakers.told_to_wait(1, for_s=25)

    assert not breakers.begin(1)
    clock.now += 24
    assert not breakers.begin(1)
    clock.now += 1.1
    assert [breakers.begin(1) for _ in range(2)] == [True, False]


def test_an_upstream_that_rejects_us_is_closed_at_once(breakers: CircuitBreakers):
    breakers.misconfigured(1)

    assert not breakers.begin(1)


def test_breakers_that_are_turned_off_admit_every_call(clock: Clock):
    breakers = CircuitBreakers(failures_to_open=0, clock=clock)
    fail(breakers, 100)
    breakers.misconfigured(1)
    breakers.told_to_wait(1, for_s=25)

    assert breakers.blocked() == {}
    assert [breakers.begin(1) for _ in range(3)] == [True, True, True]


def test_the_wait_is_that_of_the_first_upstream_in_whole_seconds():
    assert retry_after_s({1: 8.2, 2: 2.4, 3: 0.1}, [1, 2]) == 3
    assert retry_after_s({1: 0.1}, [1]) == 1


def test_when_every_call_fails_a_fifth_are_retried(breakers: CircuitBreakers):
    retries = 0
    for _ in range(1000):
        breakers.begin_call()
        retries += breakers.take_retry()

    assert 200 <= retries <= 210
