"""PostgreSQL disconnects or hangs: running calls finish, new ones are refused, nothing is lost."""

from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import psycopg
import pytest

from billing.audit.report import audit
from billing.models import HoldState
from gateway.metering.operations import HoldDecision, SettleResult
from tests.support.books import Books, database_url
from tests.support.gateway_process import Process, child_process
from tests.support.network import Network
from tests.support.waiting import eventually


@pytest.fixture
def remote(network: Network, journals: Path) -> Iterator[Process]:
    """A process whose network to PostgreSQL can fail."""
    with Process(database_url=network.url, journals=journals) as running:
        yield running


def lines_in(journals: Path) -> int:
    return sum(len(path.read_bytes().splitlines()) for path in journals.glob("*.journal"))


@pytest.fixture(params=["disconnected", "silent"])
def outage(request: pytest.FixtureRequest, network: Network) -> Any:
    """Starts an outage: refused connections, or a network that swallows everything."""
    return network.disconnect if request.param == "disconnected" else network.swallow


def test_a_running_call_ends_with_its_charge(
    books: Books, network: Network, remote: Process, outage: Any
) -> None:
    call = remote.admit(books.call(300))
    outage()

    assert remote.apply(call.settle(120)) == SettleResult(120, 0)
    assert (books.wallet().posted, books.wallet().held) == (1_000, 300)
    network.recover()

    remote.await_recovery(books.call(0))
    assert (books.wallet().posted, books.wallet().held) == (880, 0)
    assert [record.credits for record in books.records()] == [120]
    assert audit().is_ok


def test_the_expected_charge_is_the_one_written_later(
    books: Books, network: Network, remote: Process, outage: Any
) -> None:
    above, void = remote.admit(books.call(300)), remote.admit(books.call(300))
    outage()

    assert remote.apply(above.settle(450)) == SettleResult(300, 150)
    assert remote.apply(void.void(lost_credits=9)) == SettleResult(0, 9)
    network.recover()

    remote.await_recovery(books.call(0))
    found = {record.id: (record.credits, record.lost_credits) for record in books.records()}
    assert found == {above.id: (300, 150), void.id: (0, 9)}
    assert books.wallet().posted == 700


def test_a_new_call_is_refused(
    books: Books, network: Network, remote: Process, outage: Any
) -> None:
    outage()

    assert remote.refuses(books.call(1))
    assert remote.refuses(books.call(1))
    network.recover()
    remote.await_recovery(books.call(0))


def test_silence_is_noticed_long_before_an_answer_is_overdue(
    books: Books, network: Network, remote: Process, caplog: pytest.LogCaptureFixture
) -> None:
    network.swallow()

    assert remote.refuses(books.call(1))
    assert "PostgreSQL does not respond" in caplog.text
    assert "did not answer a statement in time" not in caplog.text
    network.recover()
    remote.await_recovery(books.call(0))


def test_many_calls_end_during_one_outage(
    books: Books, network: Network, remote: Process, outage: Any, journals: Path
) -> None:
    calls = [remote.admit(books.call(2)) for _ in range(300)]
    outage()
    futures = [remote.submit(call.settle(1)) for call in calls]

    assert {future.result(30).charged for future in futures} == {1}
    assert lines_in(journals) == 300
    network.recover()

    remote.await_recovery(books.call(0))
    assert (books.wallet().posted, books.wallet().held) == (700, 0)
    assert len(books.usage()) == len(books.records()) == 300
    assert lines_in(journals) == 0
    assert audit().is_ok


def test_a_hold_that_was_made_too_late_is_voided(
    books: Books, network: Network, remote: Process
) -> None:
    """Swallowed packets arrive in the end: the hold is committed after its refusal."""
    network.swallow()
    late = books.call(700)
    assert remote.refuses(late)
    network.recover()

    remote.await_recovery(books.call(0))
    eventually(lambda: books.wallet().held == 0, what="the void")
    remote.admit(books.call(1_000))


def test_a_settlement_whose_answer_was_lost_is_not_written_again(
    books: Books, network: Network, remote: Process, journals: Path
) -> None:
    call = remote.admit(books.call(300))
    network.swallow_next_answer()

    assert remote.apply(call.settle(120)) == SettleResult(120, 0)
    assert lines_in(journals) == 1
    eventually(lambda: books.wallet().posted == 880, what="the settlement, which has arrived")
    network.recover()

    remote.await_recovery(books.call(0))
    assert books.wallet().posted == 880
    assert len(books.usage()) == len(books.records()) == 1


def test_an_answer_that_cannot_be_decoded_counts_as_lost(
    books: Books, network: Network, remote: Process, journals: Path
) -> None:
    call = remote.admit(books.call(300))
    network.garble_next_answer()

    assert remote.apply(call.settle(120)) == SettleResult(120, 0)
    assert lines_in(journals) == 1

    remote.await_recovery(books.call(0))
    assert books.wallet().posted == 880
    assert len(books.usage()) == len(books.records()) == 1


def test_a_batch_that_arrived_in_part_locks_no_wallet(
    books: Books, network: Network, remote: Process, process: Process
) -> None:
    """Its session waits for the rest and must not have locked anything yet."""
    call = remote.admit(books.call(300))
    network.swallow_within_next_batch()
    assert remote.apply(call.settle(120)) == SettleResult(120, 0)

    assert process.apply(books.call(10).hold()).decision is HoldDecision.ADMITTED
    network.recover()

    remote.await_recovery(books.call(0))
    assert (books.wallet().posted, books.wallet().held) == (880, 10)
    assert len(books.usage()) == len(books.records()) == 1


def test_a_hold_whose_answer_was_lost_is_voided(
    books: Books, network: Network, remote: Process
) -> None:
    network.swallow_next_answer()

    assert remote.refuses(books.call(700))
    eventually(lambda: books.wallet().held == 700, what="the hold, which has arrived")
    network.recover()

    remote.await_recovery(books.call(0))
    assert books.wallet().held == 0


def test_a_void_waits_for_the_end_of_the_outage(
    books: Books, network: Network, remote: Process, outage: Any
) -> None:
    call = remote.admit(books.call(700))
    outage()
    remote.apply(call.void_hold())
    network.recover()

    remote.await_recovery(books.call(0))
    assert [hold.id for hold in books.holds(HoldState.VOIDED)][:1] == [call.id]
    assert books.wallet().held == 0


def test_one_outage_after_the_other(books: Books, network: Network, remote: Process) -> None:
    for _ in range(5):
        running = [remote.admit(books.call(10)) for _ in range(4)]
        network.disconnect()
        for call in running:
            assert remote.apply(call.settle(7)).charged == 7
        network.recover()
        remote.await_recovery(books.call(0))

    assert (books.wallet().posted, books.wallet().held) == (1_000 - 5 * 4 * 7, 0)
    assert len(books.usage()) == len(books.records()) == 20
    assert audit().is_ok


def test_a_connection_that_broke_while_idle_is_replaced_before_the_next_call(
    books: Books, network: Network, remote: Process, caplog: pytest.LogCaptureFixture
) -> None:
    remote.admit(books.call(1))
    caplog.set_level("INFO")
    caplog.clear()  # the first connection logs the same
    before = sessions_with_locks()
    network.disconnect()
    network.recover()
    eventually(lambda: "the ledger has recovered" in caplog.text, what="another connection")
    eventually(lambda: sessions_with_locks() - before, what="another liveness lock")

    assert not remote.refuses(books.call(1))


def sessions_with_locks() -> set[tuple[Any, ...]]:
    """The sessions that have an advisory lock."""
    with psycopg.connect(database_url()) as other:
        rows = other.execute(
            "SELECT pid, backend_start FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE locktype = 'advisory' AND datname = current_database()"
        )
        return set(rows.fetchall())


def test_a_process_without_a_disk_keeps_settlements_in_memory(
    books: Books, network: Network
) -> None:
    with Process(database_url=network.url, journals=Path("/dev/null/journal")) as process:
        call = process.admit(books.call(300))
        network.disconnect()
        waiting: Future[Any] = process.submit(call.settle(120))
        assert process.refuses(books.call(1))
        assert not waiting.done()  # no caller receives a charge that could still be lost
        network.recover()

        assert waiting.result(30).charged == 120
    assert books.wallet().posted == 880


def test_a_settlement_that_the_journal_rejects_does_not_affect_the_others(
    books: Books, network: Network, remote: Process, journals: Path
) -> None:
    good, bad = remote.admit(books.call(10)), remote.admit(books.call(10))
    with books.locked():
        remote.submit(books.call(0).hold())
        eventually(books.is_waited_for, what="the first batch")
        journalled = remote.submit(good.settle(3))
        in_memory = remote.submit(bad.settle(3, route="no Unicode: \ud800"))
        network.disconnect()

        assert journalled.result(30).charged == 3
        assert lines_in(journals) == 1
    network.recover()

    with pytest.raises(UnicodeEncodeError):
        in_memory.result(30)
    remote.await_recovery(books.call(0))
    assert (books.wallet().posted, books.wallet().held) == (997, 0)


def test_a_journal_that_cannot_be_processed_keeps_no_call_waiting(
    books: Books, network: Network, remote: Process, journals: Path
) -> None:
    """One of its lines is rejected and cannot be moved to the file for an operator."""
    good, rejected = remote.admit(books.call(300)), remote.admit(books.call(300))
    network.disconnect()
    for settle in (good.settle(120), rejected.settle(120, route="\0")):
        assert remote.apply(settle).charged == 120
    [path] = journals.glob("*.journal")
    path.with_suffix(".aside").mkdir()
    network.recover()

    remote.await_recovery(books.call(0))
    assert (books.wallet().posted, books.wallet().held) == (880, 0)
    assert lines_in(journals) == 2


def test_a_busy_ledger_does_not_count_as_unavailable(
    books: Books, network: Network, remote: Process
) -> None:
    with books.locked():
        waiting = remote.submit(books.call(300).hold())
        with pytest.raises(TimeoutError):
            waiting.result(1)  # five times as long as it takes to notice a silent one

    assert waiting.result(30).decision is HoldDecision.ADMITTED


def test_a_settlement_that_waits_too_long_for_a_locked_wallet_goes_to_the_journal(
    books: Books, process: Process, journals: Path
) -> None:
    call = process.admit(books.call(300))
    with books.locked():
        assert process.apply(call.settle(120)) == SettleResult(120, 0)
        assert lines_in(journals) == 1

    process.await_recovery(books.call(0))
    assert (books.wallet().posted, books.wallet().held) == (880, 0)
    assert len(books.usage()) == len(books.records()) == 1
    assert audit().is_ok


def test_a_process_that_stops_during_the_outage_leaves_its_journal_to_the_others(
    books: Books, network: Network, journals: Path
) -> None:
    with Process(database_url=network.url, journals=journals) as stopping:
        calls = [stopping.admit(books.call(10)) for _ in range(3)]
        network.disconnect()
        for call in calls:
            stopping.apply(call.settle(7))
    assert lines_in(journals) == 3

    with Process(database_url=database_url(), journals=journals):
        eventually(lambda: books.wallet().posted == 979, what="the replay")
        eventually(lambda: lines_in(journals) == 0, what="the journal's end")
    assert audit().is_ok


def test_a_charge_sent_during_the_outage_survives_its_process(
    books: Books, network: Network, journals: Path
) -> None:
    settled, running = books.call(300), books.call(200)
    with child_process(database_url=network.url, journals=journals) as child:
        assert child.hold(settled) == child.hold(running) == "admitted"
        network.disconnect()
        assert child.settle(settled, 120) == "120"
        child.kill()
    assert (books.wallet().posted, books.wallet().held) == (1_000, 500)

    with Process(database_url=database_url(), journals=journals):
        eventually(lambda: books.wallet().held == 0, what="the dead process's holds")
        assert books.wallet().posted == 880
    [void] = books.holds(HoldState.VOIDED)
    assert void.id == running.id
    assert audit().is_ok
    assert list(journals.iterdir()) == []
