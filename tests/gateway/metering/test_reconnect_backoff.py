"""A ledger that reconnects but rejects batches is retried with longer and longer pauses."""

import pytest

from gateway.metering.reconnect_backoff import ReconnectBackoff

NO_ROOM = RuntimeError("no room\nCONTEXT: a trigger")


def lose(backoff: ReconnectBackoff, *, times: int, at: float = 0.0) -> list[float]:
    """Lose it that often, with nothing written after each recovery; return the pauses."""
    pauses = []
    for _ in range(times):
        pauses.append(backoff.lost(NO_ROOM, now=at))
        backoff.recovered(now=at)
    return pauses


def test_the_pauses_double_up_to_a_second() -> None:
    assert lose(ReconnectBackoff(), times=7) == [0.0, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


def test_a_written_batch_resets_the_pause() -> None:
    backoff = ReconnectBackoff()
    lose(backoff, times=7)

    backoff.batch_written()

    assert lose(backoff, times=2, at=0.1) == [0.0, 0.1]


def test_a_while_with_nothing_to_write_resets_the_pause() -> None:
    backoff = ReconnectBackoff()
    lose(backoff, times=7)

    assert lose(backoff, times=2, at=5.1) == [0.0, 0.1]


def test_a_long_outage_does_not_reset_the_pause() -> None:
    backoff = ReconnectBackoff()
    for second in range(60):
        pause_s = backoff.lost(NO_ROOM, now=float(second))  # connected, and not recovered

    assert pause_s == 1.0


def test_an_outage_and_its_end_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    backoff = ReconnectBackoff()
    backoff.recovered(now=0.0)
    backoff.batch_written()
    lose(backoff, times=7)
    backoff.batch_written()
    backoff.lost(NO_ROOM, now=0.0)

    lost, recovered = "the ledger is unavailable: no room", "the ledger has recovered"
    assert [record.message for record in caplog.records] == [recovered, lost] * 3
