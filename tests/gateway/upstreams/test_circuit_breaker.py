"""An upstream that fails again and again is left alone for a while; retries have a budget."""

from gateway.upstreams.circuit_breaker import CircuitBreakers


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def fail(health: CircuitBreakers, times: int) -> None:
    for _ in range(times):
        health.failed(1)


def test_four_failures_in_a_row_are_forgiven():
    health = CircuitBreakers(clock=Clock())
    fail(health, 4)
    health.succeeded(1)
    fail(health, 4)

    assert health.open_breakers() == frozenset()


def test_after_five_it_is_left_alone_for_ten_seconds():
    clock = Clock()
    health = CircuitBreakers(clock=clock)
    fail(health, 5)
    assert health.open_breakers() == {1}

    clock.now += 10.1

    assert health.open_breakers() == frozenset()


def test_the_first_failure_after_that_leaves_it_alone_again_and_a_success_ends_it():
    clock = Clock()
    health = CircuitBreakers(clock=clock)
    fail(health, 5)
    clock.now += 10.1
    fail(health, 1)
    assert health.open_breakers() == {1}

    clock.now += 10.1
    health.succeeded(1)
    fail(health, 1)

    assert health.open_breakers() == frozenset()


def test_when_every_call_fails_a_fifth_are_tried_again():
    health = CircuitBreakers(clock=Clock())
    retries = 0
    for _ in range(1000):
        health.begin_call()
        retries += health.take_retry()

    assert 200 <= retries <= 210
