"""Holds of a process that died are void within seconds, and never while it lives."""

import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pytest_django import DjangoDbBlocker

from billing.audit.report import audit
from billing.models import HoldState
from gateway.metering import blocking_apply, journal
from gateway.metering.connections import connect
from gateway.metering.operations import HoldDecision
from gateway.metering.reaper import FREE_FOR_S, RESTART_GRACE_S, Reaper
from tests.support import gateway_database
from tests.support.books import Books, TestCall, database_url, open_books
from tests.support.gateway_process import ChildProcess, Process, child_process
from tests.support.own_postgres import OwnPostgres, own_postgres, served_by
from tests.support.waiting import eventually

# Looks of the reaper that would suffice to free what is dead, and then some.
LONG_ENOUGH_S = FREE_FOR_S + 2


@pytest.fixture
def child(books: Books, journals: Path) -> Iterator[ChildProcess]:
    """A process that may be killed, on this machine."""
    with child_process(database_url=database_url(), journals=journals) as running:
        yield running


@pytest.fixture
def distant(books: Books, tmp_path: Path) -> Iterator[ChildProcess]:
    """A process on another machine: its journal is not among ours."""
    elsewhere = tmp_path / "elsewhere"
    with child_process(database_url=database_url(), journals=elsewhere) as running:
        yield running


def admitted(child: ChildProcess, call: TestCall) -> TestCall:
    assert child.hold(call) == HoldDecision.ADMITTED
    return call


def held(books: Books) -> int:
    return books.wallet().held


def end_lifelines(connection: "psycopg.Connection[Any]") -> None:
    """End the sessions that keep the processes' locks."""
    connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'caicaini-lifeline' AND datname = current_database()"
    )


def await_end_of_grace() -> None:
    """Wait until PostgreSQL has been up for so long that a lock that is free counts."""

    def is_over() -> bool:
        with psycopg.connect(database_url()) as other:
            row = other.execute(
                "SELECT clock_timestamp() - pg_postmaster_start_time() > make_interval(secs => %s)",
                [RESTART_GRACE_S],
            ).fetchone()
        return row == (True,)

    eventually(is_over, what="the end of PostgreSQL's first seconds")


def freed(books: Books) -> None:
    eventually(lambda: held(books) == 0, within_s=40, what="the dead process's credits")


def test_the_holds_of_a_killed_process_are_voided(
    books: Books, process: Process, child: ChildProcess
) -> None:
    calls = [admitted(child, books.call(10)) for _ in range(20)]
    own = books.call(7)
    process.ask(own.hold())
    child.kill()

    eventually(lambda: held(books) == 7, what="the dead process's credits")
    assert {hold.id for hold in books.holds(HoldState.VOIDED)} == {call.id for call in calls}
    assert process.ask(own.settle(5)).charged == 5
    assert audit().is_ok


def test_so_are_those_of_a_process_on_another_machine(
    books: Books, process: Process, distant: ChildProcess
) -> None:
    admitted(distant, books.call(10))
    distant.kill()

    freed(books)


def test_the_holds_of_a_stopped_process_stand_and_it_settles_once_it_goes_on(
    books: Books, process: Process, child: ChildProcess, distant: ChildProcess
) -> None:
    near, far = admitted(child, books.call(300)), admitted(distant, books.call(200))
    for stopped in (child, distant):
        stopped.send_signal(signal.SIGSTOP)
    child.begin_settling(near, 120)
    distant.begin_settling(far, 80)
    time.sleep(LONG_ENOUGH_S)

    assert held(books) == 500
    for stopped in (child, distant):
        stopped.send_signal(signal.SIGCONT)
    assert (child.finish(), distant.finish()) == ("120", "80")
    eventually(lambda: (books.wallet().posted, held(books)) == (800, 0), what="the settlements")
    assert audit().is_ok


def test_a_process_stopped_in_mid_batch_does_not_keep_the_wallet_from_others(
    books: Books, process: Process, child: ChildProcess
) -> None:
    call = admitted(child, books.call(300))
    with books.locked():
        child.begin_settling(call, 120)
        eventually(books.is_waited_for, what="the settlement")
        child.send_signal(signal.SIGSTOP)
    # Its session has the lock by now. PostgreSQL finishes the batch without it.

    assert process.ask(books.call(10).hold()).decision is HoldDecision.ADMITTED
    child.send_signal(signal.SIGCONT)
    assert child.finish() == "120"
    eventually(lambda: books.wallet().posted == 880, what="the settlement")
    assert audit().is_ok


def test_a_lock_that_is_free_for_a_moment_costs_nobody_their_holds(
    books: Books, process: Process, distant: ChildProcess
) -> None:
    await_end_of_grace()
    call = admitted(distant, books.call(300))
    with psycopg.connect(database_url(), autocommit=True) as other:
        for _ in range(8):
            end_lifelines(other)
            time.sleep(0.5)

    assert held(books) == 300
    assert distant.settle(call, 120) == "120"


def test_one_look_is_not_enough_to_take_a_distant_process_for_dead(
    books: Books, journals: Path, distant: ChildProcess
) -> None:
    """Its lock's session has ended, and it has had no time yet to take the lock again."""
    await_end_of_grace()
    call = admitted(distant, books.call(300))
    distant.send_signal(signal.SIGSTOP)
    reaper = Reaper(owner=1, journals=journals)
    with psycopg.connect(database_url(), autocommit=True) as connection:
        end_lifelines(connection)
        eventually(lambda: not is_locked(connection), what="the lock's end")
        reaper.look(connection)
        reaper.look(connection)
        assert held(books) == 300
        distant.send_signal(signal.SIGCONT)
        eventually(lambda: is_locked(connection), what="the lock")
        time.sleep(FREE_FOR_S)
        reaper.look(connection)

    assert held(books) == 300
    assert distant.settle(call, 120) == "120"


def test_two_looks_between_which_all_stood_still_are_not_enough_either(
    books: Books, journals: Path, distant: ChildProcess
) -> None:
    """A machine that is moved stands still, and all that runs on it."""
    await_end_of_grace()
    call = admitted(distant, books.call(300))
    reaper = Reaper(owner=1, journals=journals)
    with psycopg.connect(database_url(), autocommit=True) as connection:
        distant.send_signal(signal.SIGSTOP)
        end_lifelines(connection)
        eventually(lambda: not is_locked(connection), what="the lock's end")
        reaper.look(connection)
        time.sleep(FREE_FOR_S + 0.1)
        reaper.look(connection)

    assert held(books) == 300
    distant.send_signal(signal.SIGCONT)
    assert distant.settle(call, 120) == "120"


def is_locked(connection: "psycopg.Connection[Any]") -> bool:
    """Whether anybody keeps an advisory lock."""
    row = connection.execute(
        "SELECT 1 FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database"
        " WHERE locktype = 'advisory' AND datname = current_database()"
    ).fetchone()
    return row is not None


def test_a_process_of_this_machine_that_lost_its_lock_keeps_its_holds(
    books: Books, journals: Path, child: ChildProcess
) -> None:
    """The kernel knows that it lives: its journal's lock is not PostgreSQL's to lose."""
    call = admitted(child, books.call(300))
    child.send_signal(signal.SIGSTOP)
    with psycopg.connect(database_url(), autocommit=True) as connection:
        end_lifelines(connection)
        reaper = Reaper(owner=1, journals=journals)
        reaper.look(connection)
        time.sleep(FREE_FOR_S + 0.1)
        reaper.look(connection)

    assert held(books) == 300
    child.send_signal(signal.SIGCONT)
    eventually(lambda: child.settle(call, 120) == "120", what="the settlement")


def test_one_wallet_that_cannot_be_freed_does_not_keep_the_others(
    books: Books, process: Process, child: ChildProcess
) -> None:
    tampered = open_books(1_000)
    admitted(child, tampered.call(100))
    admitted(child, books.call(100))
    tampered.set_held(0)
    child.kill()

    freed(books)
    assert len(tampered.holds(HoldState.HELD)) == 1


def test_an_end_that_the_ledger_refuses_does_not_keep_the_others(
    books: Books, journals: Path
) -> None:
    calls = [books.call(100) for _ in range(3)]
    refused, *others = calls
    dying = journal.create(journals, owner=2)
    with closing(connect(database_url(), name="reaper")) as connection:
        blocking_apply.write(connection, [call.hold() for call in calls], owner=dying.owner)
        reaper = Reaper(owner=1, journals=journals)
        for _ in range(10):  # until psycopg would prepare what it is asked again and again
            reaper.look(connection)
        dying.append([refused.settle(30, route="\0"), *(call.settle(30) for call in others)])
        dying.close()
        reaper.look(connection)

    assert (books.wallet().posted, held(books)) == (940, 0)
    assert len((journals / "2.aside").read_bytes().splitlines()) == 1
    assert audit().is_ok


def test_a_journal_that_cannot_be_worked_off_does_not_keep_the_others(
    books: Books, journals: Path
) -> None:
    calls = {owner: books.call(100) for owner in (2, 3, 4)}
    dying = {owner: journal.create(journals, owner=owner) for owner in calls}
    with closing(connect(database_url(), name="reaper")) as connection:
        for owner, call in calls.items():
            blocking_apply.write(connection, [call.hold()], owner=owner)
            dying[owner].append([call.settle(30, route="\0" if owner == 3 else "caicaini/swift")])
            dying[owner].close()
        (journals / "3.aside").mkdir()  # where the line that is refused would be put
        Reaper(owner=1, journals=journals).look(connection)

    assert (books.wallet().posted, held(books)) == (940, 0)
    assert [path.name for path in journals.glob("*.journal")] == ["3.journal"]


def test_many_reapers_free_each_hold_once(books: Books, tmp_path: Path, journals: Path) -> None:
    machines = [Process(database_url=database_url(), journals=journals) for _ in range(3)]
    machines.append(Process(database_url=database_url(), journals=tmp_path / "another"))
    with child_process(database_url=database_url(), journals=journals) as child:
        for _ in range(10):
            admitted(child, books.call(10))
        with machines[0], machines[1], machines[2], machines[3]:
            child.kill()
            freed(books)
    assert len(books.holds(HoldState.VOIDED)) == 10
    assert audit().is_ok


# --- PostgreSQL itself ends and comes back -------------------------------------------------------


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnPostgres]:
    with own_postgres(tmp_path_factory.mktemp("postgres")) as running:
        gateway_database.manage("migrate", "--no-input", env={"DATABASE_URL": running.url})
        yield running


@pytest.fixture
def own_books(server: OwnPostgres, django_db_blocker: DjangoDbBlocker) -> Iterator[Books]:
    """A workspace with 1,000 credits on the server that may be killed."""
    with django_db_blocker.unblock(), served_by(server.url):
        yield open_books(1_000)


def test_after_a_restart_the_living_keep_their_holds_and_the_dead_do_not(
    server: OwnPostgres, own_books: Books, tmp_path: Path
) -> None:
    """All advisory locks are free at once; each process stands for a machine of its own."""
    machines = [tmp_path / name for name in ("one", "two", "three")]
    with (
        child_process(database_url=server.url, journals=machines[0]) as living,
        child_process(database_url=server.url, journals=machines[1]) as dying,
        Process(database_url=server.url, journals=machines[2]),
    ):
        call = admitted(living, own_books.call(300))
        admitted(dying, own_books.call(200))
        server.kill()
        dying.kill()
        living.send_signal(signal.SIGSTOP)  # it takes its time to come back
        server.start()

        while server.uptime_s() < RESTART_GRACE_S - 5:  # far longer than a lock may be free
            assert held(own_books) == 500
            time.sleep(0.1)
        living.send_signal(signal.SIGCONT)
        eventually(lambda: held(own_books) == 300, within_s=30, what="the dead one's credits")
        time.sleep(LONG_ENOUGH_S)
        assert held(own_books) == 300
        assert living.hold(own_books.call(1)) == HoldDecision.ADMITTED
        assert living.settle(call, 120) == "120"
    assert own_books.wallet().posted == 880
    assert audit().is_ok


def test_calls_end_and_are_booked_while_the_server_is_killed_and_restarted(
    server: OwnPostgres, own_books: Books, tmp_path: Path
) -> None:
    with Process(database_url=server.url, journals=tmp_path / "journal") as process:
        for _ in range(3):
            calls = [own_books.call(10) for _ in range(20)]
            for call in calls:
                assert process.ask(call.hold()).decision is HoldDecision.ADMITTED
            waiting = [process.begin(call.settle(1)) for call in calls[:10]]
            server.kill()
            waiting += [process.begin(call.settle(1)) for call in calls[10:]]
            assert {future.result(30).charged for future in waiting} == {1}
            server.start()
            process.await_ledger(own_books.call(0))
    assert (own_books.wallet().posted, held(own_books)) == (940, 0)
    assert len(own_books.usage()) == len(own_books.records()) == 60
    assert audit().is_ok


def test_a_server_that_stands_still_is_away(
    server: OwnPostgres, own_books: Books, tmp_path: Path
) -> None:
    with Process(database_url=server.url, journals=tmp_path / "journal") as process:
        call = own_books.call(300)
        process.ask(call.hold())
        server.freeze()
        try:
            assert process.ask(call.settle(120)).charged == 120
            assert process.refuses(own_books.call(1))
        finally:
            server.thaw()
        eventually(lambda: own_books.wallet().posted == 880, what="the replay")
    assert audit().is_ok


def test_a_locked_wallet_does_not_keep_others_from_what_the_dead_held(
    books: Books, process: Process, journals: Path
) -> None:
    other = open_books(1_000)
    with child_process(database_url=database_url(), journals=journals) as child:
        admitted(child, books.call(300))
        admitted(child, other.call(200))
        with books.locked():
            child.kill()
            freed(other)
            assert held(books) == 300

    freed(books)
