"""The holds of a process are voided within seconds of its death, and never while it lives."""

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
from gateway.metering.reaper import CONNECTED_FOR_S, FREE_FOR_S, Reaper
from tests.support import gateway_database
from tests.support.books import Books, database_url, open_books
from tests.support.gateway_process import ChildProcess, Process, child_process, end_sessions
from tests.support.own_postgres import OwnPostgres, own_postgres, served_by
from tests.support.waiting import eventually

# More than enough runs of the reaper to void the holds of a dead process.
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


def held(books: Books) -> int:
    return books.wallet().held


def end_lock_sessions() -> None:
    """Terminate the sessions that have the processes' locks."""
    end_sessions("caicaini-liveness")


def await_end_of_grace(connection: "psycopg.Connection[Any]") -> None:
    """Wait until a free lock counts for that connection, and for those of running reapers."""

    def is_over() -> bool:
        row = connection.execute(
            "SELECT clock_timestamp() - max(backend_start) > make_interval(secs => %s)"
            " FROM pg_stat_activity WHERE datname = current_database()"
            " AND (pid = pg_backend_pid() OR application_name = 'caicaini-reaper')",
            [CONNECTED_FOR_S],
        ).fetchone()
        return row == (True,)

    eventually(is_over, what="the end of the grace period")


def freed(books: Books) -> None:
    eventually(lambda: held(books) == 0, within_s=40, what="the dead process's credits")


def test_the_holds_of_a_killed_process_are_voided(
    books: Books, process: Process, child: ChildProcess
) -> None:
    calls = [child.admit(books.call(10)) for _ in range(20)]
    own = books.call(7)
    process.apply(own.hold())
    child.kill()

    eventually(lambda: held(books) == 7, what="the dead process's credits")
    assert {hold.id for hold in books.holds(HoldState.VOIDED)} == {call.id for call in calls}
    assert process.apply(own.settle(5)).charged == 5
    assert audit().is_ok


def test_the_holds_of_a_killed_process_on_another_machine_are_voided(
    books: Books, process: Process, distant: ChildProcess
) -> None:
    distant.admit(books.call(10))
    distant.kill()

    freed(books)


def test_the_holds_of_a_stopped_process_stay_and_it_settles_once_it_continues(
    books: Books, process: Process, child: ChildProcess, distant: ChildProcess
) -> None:
    near, far = child.admit(books.call(300)), distant.admit(books.call(200))
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


def test_a_process_stopped_during_a_batch_keeps_no_wallet_locked(
    books: Books, process: Process, child: ChildProcess
) -> None:
    call = child.admit(books.call(300))
    with books.locked():
        child.begin_settling(call, 120)
        eventually(books.is_waited_for, what="the settlement")
        child.send_signal(signal.SIGSTOP)
    # Its session has the lock by now. PostgreSQL finishes the batch without the process.

    assert process.apply(books.call(10).hold()).decision is HoldDecision.ADMITTED
    child.send_signal(signal.SIGCONT)
    assert child.finish() == "120"
    eventually(lambda: books.wallet().posted == 880, what="the settlement")
    assert audit().is_ok


def test_a_lock_that_is_free_for_a_moment_voids_no_hold(
    books: Books, process: Process, distant: ChildProcess
) -> None:
    call = distant.admit(books.call(300))
    with psycopg.connect(database_url(), autocommit=True) as connection:
        await_end_of_grace(connection)
    for _ in range(8):
        end_lock_sessions()
        time.sleep(0.5)

    assert held(books) == 300
    assert distant.settle(call, 120) == "120"


def test_one_run_is_not_enough_to_consider_a_distant_process_dead(
    books: Books, journals: Path, distant: ChildProcess
) -> None:
    """Its lock's session has ended, and it has not had time yet to retake the lock."""
    call = distant.admit(books.call(300))
    reaper = Reaper(owner=1, journals=journals)
    with psycopg.connect(database_url(), autocommit=True) as connection:
        await_end_of_grace(connection)
        distant.send_signal(signal.SIGSTOP)
        end_lock_sessions()
        eventually(lambda: not is_locked(connection), what="the lock's end")
        reaper.run(connection)
        reaper.run(connection)
        assert held(books) == 300
        distant.send_signal(signal.SIGCONT)
        eventually(lambda: is_locked(connection), what="the lock")
        time.sleep(FREE_FOR_S)
        reaper.run(connection)

    assert held(books) == 300
    assert distant.settle(call, 120) == "120"


def test_two_runs_are_not_enough_either_when_the_machine_was_suspended_between_them(
    books: Books, journals: Path, distant: ChildProcess
) -> None:
    """A virtual machine that is migrated is suspended, with all its processes."""
    call = distant.admit(books.call(300))
    reaper = Reaper(owner=1, journals=journals)
    with psycopg.connect(database_url(), autocommit=True) as connection:
        await_end_of_grace(connection)
        distant.send_signal(signal.SIGSTOP)
        end_lock_sessions()
        eventually(lambda: not is_locked(connection), what="the lock's end")
        reaper.run(connection)
        time.sleep(FREE_FOR_S + 0.1)
        reaper.run(connection)

    assert held(books) == 300
    distant.send_signal(signal.SIGCONT)
    assert distant.settle(call, 120) == "120"


def test_soon_after_a_reaper_has_connected_a_free_lock_says_nothing(
    books: Books, journals: Path, distant: ChildProcess
) -> None:
    """After a failover nobody has a lock yet, on a server that has been up for long."""
    call = distant.admit(books.call(300))
    with psycopg.connect(database_url(), autocommit=True) as connection:
        eventually(lambda: postgresql_has_been_up_for_long(connection), what="a long uptime")
    distant.send_signal(signal.SIGSTOP)
    reaper = Reaper(owner=1, journals=journals)
    with psycopg.connect(database_url(), autocommit=True) as connection:
        end_lock_sessions()
        eventually(lambda: not is_locked(connection), what="the lock's end")
        for _ in range(4):
            reaper.run(connection)
            assert held(books) == 300 or connected_for_s(connection) >= CONNECTED_FOR_S
            time.sleep(FREE_FOR_S / 3)
        distant.send_signal(signal.SIGCONT)
        eventually(lambda: is_locked(connection), what="the lock")

    assert distant.settle(call, 120) == "120"


def postgresql_has_been_up_for_long(connection: "psycopg.Connection[Any]") -> bool:
    row = connection.execute(
        "SELECT clock_timestamp() - pg_postmaster_start_time() > make_interval(secs => %s)",
        [CONNECTED_FOR_S],
    ).fetchone()
    return row == (True,)


def connected_for_s(connection: "psycopg.Connection[Any]") -> float:
    [age] = connection.execute(
        "SELECT extract(epoch FROM clock_timestamp() - backend_start) FROM pg_stat_activity"
        " WHERE pid = pg_backend_pid()"
    ).fetchone() or (0,)
    return float(age)


def is_locked(connection: "psycopg.Connection[Any]") -> bool:
    """Whether any session has an advisory lock."""
    row = connection.execute(
        "SELECT 1 FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database"
        " WHERE locktype = 'advisory' AND datname = current_database()"
    ).fetchone()
    return row is not None


def test_a_process_of_this_machine_that_lost_its_lock_keeps_its_holds(
    books: Books, journals: Path, child: ChildProcess
) -> None:
    """The kernel knows that it lives: PostgreSQL cannot lose the lock on its journal."""
    call = child.admit(books.call(300))
    child.send_signal(signal.SIGSTOP)
    with psycopg.connect(database_url(), autocommit=True) as connection:
        end_lock_sessions()
        reaper = Reaper(owner=1, journals=journals)
        reaper.run(connection)
        time.sleep(FREE_FOR_S + 0.1)
        reaper.run(connection)

    assert held(books) == 300
    child.send_signal(signal.SIGCONT)
    eventually(lambda: child.settle(call, 120) == "120", what="the settlement")


def test_one_wallet_whose_holds_cannot_be_voided_does_not_block_the_others(
    books: Books, process: Process, child: ChildProcess
) -> None:
    tampered = open_books(1_000)
    child.admit(tampered.call(100))
    child.admit(books.call(100))
    tampered.set_held(0)
    child.kill()

    freed(books)
    assert len(tampered.holds(HoldState.HELD)) == 1


def test_a_settlement_that_the_ledger_rejects_does_not_block_the_others(
    books: Books, journals: Path
) -> None:
    calls = [books.call(100) for _ in range(3)]
    rejected, *others = calls
    dying = journal.create(journals, owner=2)
    with closing(connect(database_url(), name="reaper")) as connection:
        blocking_apply.write(connection, [call.hold() for call in calls], owner=dying.owner)
        reaper = Reaper(owner=1, journals=journals)
        for _ in range(10):  # until psycopg would prepare the repeated statements
            reaper.run(connection)
        dying.append([rejected.settle(30, route="\0"), *(call.settle(30) for call in others)])
        dying.close()
        reaper.run(connection)

    assert (books.wallet().posted, held(books)) == (940, 0)
    assert len((journals / "2.aside").read_bytes().splitlines()) == 1
    assert audit().is_ok


def test_a_journal_that_cannot_be_processed_does_not_block_the_others(
    books: Books, journals: Path
) -> None:
    calls = {owner: books.call(100) for owner in (2, 3, 4)}
    dying = {owner: journal.create(journals, owner=owner) for owner in calls}
    with closing(connect(database_url(), name="reaper")) as connection:
        for owner, call in calls.items():
            blocking_apply.write(connection, [call.hold()], owner=owner)
            dying[owner].append([call.settle(30, route="\0" if owner == 3 else "caicaini/swift")])
            dying[owner].close()
        (journals / "3.aside").mkdir()  # where the rejected line would go
        Reaper(owner=1, journals=journals).run(connection)

    assert (books.wallet().posted, held(books)) == (940, 0)
    assert [path.name for path in journals.glob("*.journal")] == ["3.journal"]


def test_many_reapers_void_each_hold_once(books: Books, tmp_path: Path, journals: Path) -> None:
    machines = [Process(database_url=database_url(), journals=journals) for _ in range(3)]
    machines.append(Process(database_url=database_url(), journals=tmp_path / "another"))
    with child_process(database_url=database_url(), journals=journals) as child:
        for _ in range(10):
            child.admit(books.call(10))
        with machines[0], machines[1], machines[2], machines[3]:
            child.kill()
            freed(books)
    assert len(books.holds(HoldState.VOIDED)) == 10
    assert audit().is_ok


# --- PostgreSQL itself is killed and restarted --------------------------------------------------


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnPostgres]:
    with own_postgres(tmp_path_factory.mktemp("postgres")) as running:
        gateway_database.manage("migrate", "--no-input", env={"DATABASE_URL": running.url})
        yield running


@pytest.fixture
def own_books(server: OwnPostgres, django_db_blocker: DjangoDbBlocker) -> Iterator[Books]:
    """A workspace with 1,000 credits on a server that tests may kill."""
    with django_db_blocker.unblock(), served_by(server.url):
        yield open_books(1_000)


def test_after_a_restart_only_dead_processes_lose_their_holds(
    server: OwnPostgres, own_books: Books, tmp_path: Path
) -> None:
    """All advisory locks are free at once; each process stands for a machine of its own."""
    machines = [tmp_path / name for name in ("one", "two", "three")]
    with (
        child_process(database_url=server.url, journals=machines[0]) as living,
        child_process(database_url=server.url, journals=machines[1]) as dying,
        Process(database_url=server.url, journals=machines[2]),
    ):
        call = living.admit(own_books.call(300))
        dying.admit(own_books.call(200))
        server.kill()
        dying.kill()
        living.send_signal(signal.SIGSTOP)  # it is slow to reconnect
        server.start()

        while server.uptime_s() < CONNECTED_FOR_S - 5:  # far longer than a lock may be free
            assert held(own_books) == 500
            time.sleep(0.1)
        living.send_signal(signal.SIGCONT)
        eventually(lambda: held(own_books) == 300, within_s=30, what="the dead process's credits")
        time.sleep(LONG_ENOUGH_S)
        assert held(own_books) == 300
        assert living.hold(own_books.call(1)) == HoldDecision.ADMITTED
        assert living.settle(call, 120) == "120"
    assert own_books.wallet().posted == 880
    assert audit().is_ok


def test_calls_are_settled_while_the_server_is_killed_and_restarted(
    server: OwnPostgres, own_books: Books, tmp_path: Path
) -> None:
    with Process(database_url=server.url, journals=tmp_path / "journal") as process:
        for _ in range(3):
            calls = [own_books.call(10) for _ in range(20)]
            for call in calls:
                assert process.apply(call.hold()).decision is HoldDecision.ADMITTED
            waiting = [process.submit(call.settle(1)) for call in calls[:10]]
            server.kill()
            waiting += [process.submit(call.settle(1)) for call in calls[10:]]
            assert {future.result(30).charged for future in waiting} == {1}
            server.start()
            process.await_recovery(own_books.call(0))
    assert (own_books.wallet().posted, held(own_books)) == (940, 0)
    assert len(own_books.usage()) == len(own_books.records()) == 60
    assert audit().is_ok


def test_a_frozen_server_counts_as_unavailable(
    server: OwnPostgres, own_books: Books, tmp_path: Path
) -> None:
    with Process(database_url=server.url, journals=tmp_path / "journal") as process:
        call = own_books.call(300)
        process.apply(call.hold())
        server.freeze()
        try:
            assert process.apply(call.settle(120)).charged == 120
            assert process.refuses(own_books.call(1))
        finally:
            server.thaw()
        eventually(lambda: own_books.wallet().posted == 880, what="the replay")
    assert audit().is_ok


def test_a_locked_wallet_does_not_block_the_reaping_of_others(
    books: Books, process: Process, journals: Path
) -> None:
    other = open_books(1_000)
    with child_process(database_url=database_url(), journals=journals) as child:
        child.admit(books.call(300))
        child.admit(other.call(200))
        with books.locked():
            child.kill()
            freed(other)
            assert held(books) == 300

    freed(books)
