"""Only a part that does not work while PostgreSQL does makes a process look faulty."""

from collections.abc import Callable, Iterator

import pytest

from gateway.runtime.liveness import Liveness
from tests.support.tcp_proxy import Cable
from tests.support.waiting import eventually

_FAULT = 20  # samples that make a fault
_MANY = 50


class Part:
    """A part that works or does not, and counts how often it was asked."""

    def __init__(self, *, works: bool) -> None:
        self.works = works
        self.asked = 0

    def __call__(self) -> bool:
        self.asked += 1
        return self.works

    def await_samples(self) -> None:
        """Wait until it was asked many more times."""
        wanted = self.asked + _MANY
        eventually(lambda: self.asked > wanted, within_s=120, what="the samples")


class WorksNowAndThen(Part):
    """A part that works in each tenth sample."""

    def __call__(self) -> bool:
        return super().__call__() and self.asked % 10 == 0


@pytest.fixture
def cable(gateway_env: dict[str, str]) -> Iterator[Cable]:
    with Cable(gateway_env["DATABASE_URL"]).laid() as cable:
        yield cable


@pytest.fixture
def sampled(books: None, cable: Cable) -> Iterator[Callable[[Part], Liveness]]:
    """Start to sample a part, much more often than a process does."""
    started = []

    def start(part: Part) -> Liveness:
        liveness = Liveness(
            {"part": part}, conninfo=cable.url, owner=1, samples=_FAULT, sample_every_s=0.001
        )
        started.append(liveness)
        liveness.start()
        return liveness

    yield start
    for liveness in started:
        liveness.stop()


def test_a_part_that_does_not_work_while_postgresql_does_is_a_fault(
    sampled: Callable[[Part], Liveness],
) -> None:
    part = Part(works=False)
    liveness = sampled(part)

    eventually(lambda: liveness.faults == ["part"], what="the fault")

    part.works = True
    eventually(lambda: not liveness.faults, what="its end")


def test_parts_that_work_are_no_fault(sampled: Callable[[Part], Liveness]) -> None:
    part = Part(works=True)
    liveness = sampled(part)

    part.await_samples()

    assert liveness.faults == []


def test_however_long_postgresql_is_unavailable_there_is_no_fault(
    sampled: Callable[[Part], Liveness], cable: Cable
) -> None:
    cable.pull_out()
    part = Part(works=False)
    liveness = sampled(part)

    part.await_samples()

    assert liveness.faults == []


def test_a_part_that_works_now_and_then_is_no_fault(
    sampled: Callable[[Part], Liveness],
) -> None:
    part = WorksNowAndThen(works=True)
    liveness = sampled(part)

    part.await_samples()

    assert liveness.faults == []
