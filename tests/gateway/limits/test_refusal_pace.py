"""A network that is refused without end waits for each refusal; others do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import GatewayError, InvalidApiKey, InvalidRequest, RateLimited
from gateway.limits.refusal_pace import RefusalPace

AT_ONCE, EVERY_S, LONGEST_S = 50, 0.02, 2.0


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pace(clock: Clock) -> RefusalPace:
    return RefusalPace(clock=clock)


def test_the_first_refusals_of_a_network_do_not_wait_and_later_ones_do(pace: RefusalPace):
    waits = [pace.next_wait_s("a") for _ in range(AT_ONCE + 3)]
    assert waits[: AT_ONCE + 1] == pytest.approx([0.0] * (AT_ONCE + 1))
    assert waits[AT_ONCE + 1 :] == pytest.approx([EVERY_S, 2 * EVERY_S])
    assert pace.next_wait_s("b") == 0.0


def test_a_pause_makes_refusals_immediate_again(pace: RefusalPace, clock: Clock):
    for _ in range(1000):
        pace.next_wait_s("a")
    clock.now += AT_ONCE * EVERY_S + LONGEST_S
    assert [pace.next_wait_s("a") for _ in range(AT_ONCE)] == [0.0] * AT_ONCE


@given(
    st.lists(st.sampled_from("ab"), min_size=1, max_size=300), st.floats(min_value=0, max_value=0.1)
)
def test_no_answer_waits_longer_than_two_seconds(networks: list[str], step_s: float):
    clock = Clock()
    pace = RefusalPace(clock=clock)
    for network in networks:
        assert 0.0 <= pace.next_wait_s(network) <= LONGEST_S
        clock.now += step_s


@given(st.integers(1, 60))
def test_clients_that_wait_for_each_answer_get_fifty_a_second(connections: int):
    """Each sends its next request when it has the answer to its last."""
    clock = Clock()
    pace = RefusalPace(clock=clock)
    free_at = [0.0] * connections
    answered = 0
    while (now := min(free_at)) < 10.0:
        clock.now = now
        turn = free_at.index(clock.now)
        free_at[turn] = clock.now + max(pace.next_wait_s("a"), 0.001)
        answered += 1
    assert answered <= AT_ONCE + 10.0 / EVERY_S + connections + 1


@pytest.mark.parametrize("error", [InvalidApiKey(), RateLimited("too many", retry_after_s=1)])
async def test_only_refusals_that_cost_their_sender_nothing_count(error: GatewayError):
    pace = RefusalPace(clock=Clock())
    for _ in range(2 * AT_ONCE):
        await pace.wait(InvalidRequest("no"), lambda: "a")
    assert pace.next_wait_s("a") == 0.0
    for _ in range(AT_ONCE):
        await pace.wait(error, lambda: "a")
    assert pace.next_wait_s("a") == pytest.approx(EVERY_S)
