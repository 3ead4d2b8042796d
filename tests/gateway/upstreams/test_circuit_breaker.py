"""A circuit breaker closes an upstream that fails to those whose calls fail."""

import pytest

from gateway.upstreams.circuit_breaker import CircuitBreakers, retry_after_s

OURS, THEIRS = 1, 2  # workspaces


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


def fail(breakers: CircuitBreakers, times: int, *, workspace: int) -> None:
    """Fail calls of a workspace, as a request can make them fail."""
    for _ in range(times):
        breakers.failed(1, workspace)


def refuse(breakers: CircuitBreakers, times: int = 5) -> None:
    """Refuse connections, which no request can cause."""
    for _ in range(times):
        breakers.unreachable(1, OURS)


def test_four_failures_in_a_row_are_forgiven(breakers: CircuitBreakers):
    refuse(breakers, 4)
    breakers.succeeded(1)
    refuse(breakers, 4)

    assert breakers.blocked(OURS) == {}
    assert breakers.begin(1, OURS)


def test_after_five_no_call_is_admitted_for_ten_seconds(breakers: CircuitBreakers, clock: Clock):
    refuse(breakers)
    assert breakers.blocked(OURS) == {1: pytest.approx(10)}
    assert not breakers.begin(1, OURS)

    clock.now += 10.1

    assert breakers.blocked(OURS) == {}
    assert breakers.begin(1, OURS)


def test_after_that_one_call_at_a_time_is_admitted(breakers: CircuitBreakers, clock: Clock):
    refuse(breakers)
    clock.now += 10.1

    assert [breakers.begin(1, OURS) for _ in range(3)] == [True, False, False]
    assert 1 in breakers.blocked(OURS)

    breakers.abandoned(1, OURS)
    assert [breakers.begin(1, OURS) for _ in range(2)] == [True, False]


def test_a_failed_probe_opens_it_again_and_a_success_closes_it(
    breakers: CircuitBreakers, clock: Clock
):
    refuse(breakers)
    clock.now += 10.1
    assert breakers.begin(1, OURS)
    refuse(breakers, 1)
    assert not breakers.begin(1, OURS)

    clock.now += 10.1
    assert breakers.begin(1, OURS)
    breakers.succeeded(1)

    assert [breakers.begin(1, OURS) for _ in range(3)] == [True, True, True]
    refuse(breakers, 1)
    assert breakers.blocked(OURS) == {}


def test_one_workspaces_failures_close_the_upstream_to_that_workspace_alone(
    breakers: CircuitBreakers, clock: Clock
):
    fail(breakers, 50, workspace=THEIRS)

    assert breakers.blocked(THEIRS) == {1: pytest.approx(10)}
    assert not breakers.begin(1, THEIRS)
    assert breakers.blocked(OURS) == {}
    assert [breakers.begin(1, OURS) for _ in range(3)] == [True, True, True]

    clock.now += 10.1
    assert [breakers.begin(1, THEIRS) for _ in range(2)] == [True, False]


def test_no_number_of_other_workspaces_closes_it_to_ours(breakers: CircuitBreakers):
    for workspace in range(2, 20):
        fail(breakers, 10, workspace=workspace)
        breakers.told_to_wait(1, workspace, for_s=300)

    assert breakers.blocked(OURS) == {}
    assert [breakers.begin(1, OURS) for _ in range(3)] == [True, True, True]


def test_while_those_of_others_fail_the_first_failure_is_enough(breakers: CircuitBreakers):
    fail(breakers, 4, workspace=THEIRS)
    assert breakers.begin(1, THEIRS)
    assert breakers.begin(1, OURS)

    fail(breakers, 1, workspace=OURS)

    assert not breakers.begin(1, OURS)


def test_a_connection_that_is_refused_beside_closes_it_to_all(breakers: CircuitBreakers):
    fail(breakers, 10, workspace=THEIRS)
    refuse(breakers, 1)

    assert [breakers.begin(1, workspace) for workspace in (OURS, THEIRS, 3)] == [False] * 3


def test_a_workspace_cannot_keep_a_recovering_upstream_closed_to_others(
    breakers: CircuitBreakers, clock: Clock
):
    """Neither by a probe that fails nor by one that takes long."""
    refuse(breakers)
    clock.now += 10.1
    assert [breakers.begin(1, THEIRS) for _ in range(2)] == [True, False]
    assert [breakers.begin(1, OURS) for _ in range(2)] == [True, False]
    fail(breakers, 1, workspace=THEIRS)
    breakers.abandoned(1, OURS)

    assert not breakers.begin(1, THEIRS)
    assert [breakers.begin(1, OURS) for _ in range(2)] == [True, False]
    fail(breakers, 1, workspace=OURS)
    assert not breakers.begin(1, OURS)
    assert breakers.begin(1, 3)


def test_a_success_admits_a_suspended_workspace_again(breakers: CircuitBreakers):
    fail(breakers, 5, workspace=THEIRS)

    breakers.succeeded(1)

    assert [breakers.begin(1, THEIRS) for _ in range(2)] == [True, True]


def test_a_change_is_reported_once_with_its_reason(clock: Clock):
    changes: list[tuple[int, str]] = []
    breakers = CircuitBreakers(clock=clock, on_change=lambda *change: changes.append(change))

    fail(breakers, 7, workspace=THEIRS)
    fail(breakers, 2, workspace=OURS)
    breakers.succeeded(1)
    breakers.succeeded(1)

    assert changes == [
        (1, "it fails for one workspace"),
        (1, "it fails for several workspaces"),
        (1, ""),
    ]


def test_a_time_to_wait_is_obeyed_at_once(breakers: CircuitBreakers, clock: Clock):
    breakers.told_to_wait(1, OURS, for_s=25)

    assert not breakers.begin(1, OURS)
    assert breakers.begin(1, THEIRS)  # a request can be larger than the account's limit
    clock.now += 24
    assert not breakers.begin(1, OURS)
    clock.now += 1.1
    assert [breakers.begin(1, OURS) for _ in range(2)] == [True, False]


def test_an_upstream_that_rejects_us_is_closed_at_once(breakers: CircuitBreakers):
    breakers.misconfigured(1, THEIRS)

    assert not breakers.begin(1, OURS)


def test_breakers_that_are_turned_off_admit_every_call(clock: Clock):
    breakers = CircuitBreakers(failures_to_open=0, clock=clock)
    refuse(breakers, 100)
    fail(breakers, 100, workspace=OURS)
    breakers.misconfigured(1, OURS)
    breakers.told_to_wait(1, OURS, for_s=25)

    assert breakers.blocked(OURS) == {}
    assert [breakers.begin(1, OURS) for _ in range(3)] == [True, True, True]


def test_the_wait_is_that_of_the_first_upstream_in_whole_seconds():
    assert retry_after_s({1: 8.2, 2: 2.4, 3: 0.1}, [1, 2]) == 3
    assert retry_after_s({1: 0.1}, [1]) == 1
