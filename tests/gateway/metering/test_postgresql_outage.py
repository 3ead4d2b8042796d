"""PostgreSQL goes, or falls silent: running calls finish, new ones are refused, nothing is lost."""

from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import psycopg
import pytest

from billing.audit.report import audit
from billing.models import HoldState
from gateway.metering.operations import HoldDecision, SettleResult
from tests.support.books import Books, TestCall, database_url
from tests.support.gateway_process import Process, child_process
from tests.support.network import Network
from tests.support.waiting import eventually


@pytest.fixture
def remote(network: Network, journals: Path) -> Iterator[Process]:
    """A process whose way to PostgreSQL can be cut."""
    with Process(database_url=network.url, journals=journals) as running:
        yield running


def admitted(process: Process, call: TestCall) -> TestCall:
    assert process.ask(call.hold()).decision is HoldDecision.ADMITTED
    return call


def lines_in(journals: Path) -> int:
    return sum(len(path.read_bytes().splitlines()) for path in journals.glob("*.journal"))


@pytest.fixture(params=["gone", "silent"])
def outage(request: pytest.FixtureRequest, network: Network) -> Any:
    """What starts an outage: refused connections, or a network that swallows everything."""
    return network.go if request.param == "gone" else network.swallow


def test_a_running_call_ends_with_its_charge(
    books: Books, network: Network, remote: Process, outage: Any
) -> None:
    call = admitted(remote, books.call(300))
    outage()

    assert remote.ask(call.settle(120)) == SettleResult(120, 0)
    assert (books.wallet().posted, books.wallet().held) == (1_000, 300)
    network.be_fine()

    remote.await_ledger(books.call(0))
    assert (books.wallet().posted, books.wallet().held) == (880, 0)
    assert [record.credits for record in books.records()] == [120]
    assert audit().is_ok


def test_the_charge_told_meanwhile_is_the_charge_booked_later(
    books: Books, network: Network, remote: Process, outage: Any
) -> None:
    above, void = admitted(remote, books.call(300)), admitted(remote, books.call(300))
    outage()

    assert remote.ask(above.settle(450)) == SettleResult(300, 150)
    assert remote.ask(void.void(lost_credits=9)) == SettleResult(0, 9)
    network.be_fine()

    remote.await_ledger(books.call(0))
    found = {record.id: (record.credits, record.lost_credits) for record in books.records()}
    assert found == {above.id: (300, 150), void.id: (0, 9)}
    assert books.wallet().posted == 700


def test_a_new_call_is_refused(
    books: Books, network: Network, remote: Process, outage: Any
) -> None:
    outage()

    assert remote.refuses(books.call(1))
    assert remote.refuses(books.call(1))
    network.be_fine()
    remote.await_ledger(books.call(0))


def test_many_calls_end_during_one_outage(
    books: Books, network: Network, remote: Process, outage: Any, journals: Path
) -> None:
    calls = [admitted(remote, books.call(2)) for _ in range(300)]
    outage()
    told = [remote.begin(call.settle(1)) for call in calls]

    assert {future.result(30).charged for future in told} == {1}
    assert lines_in(journals) == 300
    network.be_fine()

    remote.await_ledger(books.call(0))
    assert (books.wallet().posted, books.wallet().held) == (700, 0)
    assert len(books.usage()) == len(books.records()) == 300
    assert lines_in(journals) == 0
    assert audit().is_ok


def test_a_hold_that_was_made_too_late_is_released(
    books: Books, network: Network, remote: Process
) -> None:
    """What is swallowed now arrives in the end: the reserve is committed after its refusal."""
    network.swallow()
    late = books.call(700)
    assert remote.refuses(late)
    network.be_fine()

    remote.await_ledger(books.call(0))
    eventually(lambda: books.wallet().held == 0, what="the release")
    admitted(remote, books.call(1_000))


def test_a_settlement_that_was_written_unheard_is_not_written_again(
    books: Books, network: Network, remote: Process, journals: Path
) -> None:
    call = admitted(remote, books.call(300))
    network.swallow_next_answer()

    assert remote.ask(call.settle(120)) == SettleResult(120, 0)
    assert lines_in(journals) == 1
    eventually(lambda: books.wallet().posted == 880, what="the settlement, which has arrived")
    network.be_fine()

    remote.await_ledger(books.call(0))
    assert books.wallet().posted == 880
    assert len(books.usage()) == len(books.records()) == 1


def test_an_answer_that_makes_no_sense_is_as_good_as_none(
    books: Books, network: Network, remote: Process, journals: Path
) -> None:
    call = admitted(remote, books.call(300))
    network.garble_next_answer()

    assert remote.ask(call.settle(120)) == SettleResult(120, 0)
    assert lines_in(journals) == 1

    remote.await_ledger(books.call(0))
    assert books.wallet().posted == 880
    assert len(books.usage()) == len(books.records()) == 1


def test_a_batch_that_arrived_in_part_does_not_keep_the_wallet_from_others(
    books: Books, network: Network, remote: Process, process: Process
) -> None:
    """Its session waits for the rest, and must have locked nothing yet."""
    call = admitted(remote, books.call(300))
    network.swallow_within_next_batch()
    assert remote.ask(call.settle(120)) == SettleResult(120, 0)

    assert process.ask(books.call(10).hold()).decision is HoldDecision.ADMITTED
    network.be_fine()

    remote.await_ledger(books.call(0))
    assert (books.wallet().posted, books.wallet().held) == (880, 10)
    assert len(books.usage()) == len(books.records()) == 1


def test_a_reserve_that_was_written_unheard_is_released(
    books: Books, network: Network, remote: Process
) -> None:
    network.swallow_next_answer()

    assert remote.refuses(books.call(700))
    eventually(lambda: books.wallet().held == 700, what="the hold, which has been asked for")
    network.be_fine()

    remote.await_ledger(books.call(0))
    assert books.wallet().held == 0


def test_a_release_waits_for_the_end_of_the_outage(
    books: Books, network: Network, remote: Process, outage: Any
) -> None:
    call = admitted(remote, books.call(700))
    outage()
    remote.ask(call.void_hold())
    network.be_fine()

    remote.await_ledger(books.call(0))
    assert [hold.id for hold in books.holds(HoldState.VOIDED)][:1] == [call.id]
    assert books.wallet().held == 0


def test_one_outage_after_the_other(books: Books, network: Network, remote: Process) -> None:
    for _ in range(5):
        running = [admitted(remote, books.call(10)) for _ in range(4)]
        network.go()
        for call in running:
            assert remote.ask(call.settle(7)).charged == 7
        network.be_fine()
        remote.await_ledger(books.call(0))

    assert (books.wallet().posted, books.wallet().held) == (1_000 - 5 * 4 * 7, 0)
    assert len(books.usage()) == len(books.records()) == 20
    assert audit().is_ok


def test_a_connection_that_broke_while_idle_is_replaced_before_the_next_call(
    books: Books, network: Network, remote: Process, caplog: pytest.LogCaptureFixture
) -> None:
    admitted(remote, books.call(1))
    caplog.set_level("INFO")
    caplog.clear()  # it says the same of the first connection
    before = sessions_with_locks()
    network.go()
    network.be_fine()
    eventually(lambda: "the ledger is there" in caplog.text, what="another connection")
    eventually(lambda: sessions_with_locks() - before, what="another lifeline")

    assert not remote.refuses(books.call(1))


def sessions_with_locks() -> set[tuple[Any, ...]]:
    """Which sessions keep an advisory lock, as lifelines do."""
    with psycopg.connect(database_url()) as other:
        rows = other.execute(
            "SELECT pid, backend_start FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE locktype = 'advisory' AND datname = current_database()"
        )
        return set(rows.fetchall())


def test_a_process_without_a_disk_keeps_ends_in_memory(books: Books, network: Network) -> None:
    with Process(database_url=network.url, journals=Path("/dev/null/journal")) as process:
        call = admitted(process, books.call(300))
        network.go()
        waiting: Future[Any] = process.begin(call.settle(120))
        assert process.refuses(books.call(1))
        assert not waiting.done()  # nothing is told that could still be lost
        network.be_fine()

        assert waiting.result(30).charged == 120
    assert books.wallet().posted == 880


def test_an_end_that_no_journal_takes_keeps_no_other_from_it(
    books: Books, network: Network, remote: Process, journals: Path
) -> None:
    good, bad = admitted(remote, books.call(10)), admitted(remote, books.call(10))
    with books.locked():
        remote.begin(books.call(0).hold())
        eventually(books.is_waited_for, what="the first batch")
        told = remote.begin(good.settle(3))
        untold = remote.begin(bad.settle(3, route="no Unicode: \ud800"))
        network.go()

        assert told.result(30).charged == 3
        assert lines_in(journals) == 1
    network.be_fine()

    with pytest.raises(UnicodeEncodeError):
        untold.result(30)
    remote.await_ledger(books.call(0))
    assert (books.wallet().posted, books.wallet().held) == (997, 0)


def test_a_journal_that_cannot_be_worked_off_keeps_no_call_waiting(
    books: Books, network: Network, remote: Process, journals: Path
) -> None:
    """One of its lines is refused, and cannot be put aside."""
    good, refused = admitted(remote, books.call(300)), admitted(remote, books.call(300))
    network.go()
    for end in (good.settle(120), refused.settle(120, route="\0")):
        assert remote.ask(end).charged == 120
    [path] = journals.glob("*.journal")
    path.with_suffix(".aside").mkdir()
    network.be_fine()

    remote.await_ledger(books.call(0))
    assert (books.wallet().posted, books.wallet().held) == (880, 0)
    assert lines_in(journals) == 2


def test_a_busy_ledger_is_not_taken_for_one_that_is_away(
    books: Books, network: Network, remote: Process
) -> None:
    with books.locked():
        waiting = remote.begin(books.call(300).hold())
        with pytest.raises(TimeoutError):
            waiting.result(1)  # ten times as long as it takes to see that nobody answers

    assert waiting.result(30).decision is HoldDecision.ADMITTED


def test_an_end_that_a_locked_wallet_keeps_waiting_is_told_from_the_journal(
    books: Books, process: Process, journals: Path
) -> None:
    call = admitted(process, books.call(300))
    with books.locked():
        assert process.ask(call.settle(120)) == SettleResult(120, 0)
        assert lines_in(journals) == 1

    process.await_ledger(books.call(0))
    assert (books.wallet().posted, books.wallet().held) == (880, 0)
    assert len(books.usage()) == len(books.records()) == 1
    assert audit().is_ok


def test_a_process_that_stops_during_the_outage_leaves_its_journal_to_the_others(
    books: Books, network: Network, journals: Path
) -> None:
    with Process(database_url=network.url, journals=journals) as stopping:
        calls = [admitted(stopping, books.call(10)) for _ in range(3)]
        network.go()
        for call in calls:
            stopping.ask(call.settle(7))
    assert lines_in(journals) == 3

    with Process(database_url=database_url(), journals=journals):
        eventually(lambda: books.wallet().posted == 979, what="the replay")
        eventually(lambda: lines_in(journals) == 0, what="the journal's end")
    assert audit().is_ok


def test_a_process_killed_during_the_outage_has_charged_what_it_told(
    books: Books, network: Network, journals: Path
) -> None:
    told, running = books.call(300), books.call(200)
    with child_process(database_url=network.url, journals=journals) as child:
        assert child.hold(told) == child.hold(running) == "admitted"
        network.go()
        assert child.settle(told, 120) == "120"
        child.kill()
    assert (books.wallet().posted, books.wallet().held) == (1_000, 500)

    with Process(database_url=database_url(), journals=journals):
        eventually(lambda: books.wallet().held == 0, what="the dead process's holds")
        assert books.wallet().posted == 880
    [void] = books.holds(HoldState.VOIDED)
    assert void.id == running.id
    assert audit().is_ok
    assert list(journals.iterdir()) == []
