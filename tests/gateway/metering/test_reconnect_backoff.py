"""A ledger that comes back and takes nothing is tried later and later, until it takes a batch."""

import pytest

from gateway.metering.reconnect_backoff import ReconnectBackoff

NO_ROOM = RuntimeError("no room\nCONTEXT: a trigger")


def lose(losses: ReconnectBackoff, *, times: int, at: float = 0.0) -> list[float]:
    """Lose it as often, each time with nothing written since it came back; return the pauses."""
    pauses = []
    for _ in range(times):
        pauses.append(losses.lost(NO_ROOM, now=at))
        losses.came_back(now=at)
    return pauses


def test_the_pauses_double_up_to_a_second() -> None:
    assert lose(ReconnectBackoff(), times=7) == [0.0, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


def test_after_a_batch_there_is_no_pause() -> None:
    losses = ReconnectBackoff()
    lose(losses, times=7)

    losses.took_a_batch()

    assert lose(losses, times=2, at=0.1) == [0.0, 0.1]


def test_after_a_while_with_nothing_to_write_there_is_no_pause() -> None:
    losses = ReconnectBackoff()
    lose(losses, times=7)

    assert lose(losses, times=2, at=5.1) == [0.0, 0.1]


def test_being_away_for_long_is_no_reason_to_trust_it() -> None:
    losses = ReconnectBackoff()
    for second in range(60):
        pause_s = losses.lost(NO_ROOM, now=float(second))  # connected, and did not come back

    assert pause_s == 1.0


def test_the_log_hears_of_its_coming_and_going_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    losses = ReconnectBackoff()
    losses.came_back(now=0.0)
    losses.took_a_batch()
    lose(losses, times=7)
    losses.took_a_batch()
    losses.lost(NO_ROOM, now=0.0)

    away, there = "the ledger is away: no room", "the ledger is there"
    assert [record.message for record in caplog.records] == [there, away, there, away, there, away]
