"""PostgreSQL answers and takes nothing: what is told is booked later, and no hold stays."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psycopg
import pytest

from billing.audit.report import audit
from gateway.metering.operations import HoldDecision, SettleResult
from tests.support.books import Books, database_url
from tests.support.gateway_process import Process, child_process
from tests.support.network import Network
from tests.support.waiting import eventually


def run(statement: str) -> None:
    """Run it as the database's owner, who may write whatever the database says."""
    with psycopg.connect(
        database_url(), autocommit=True, options="-c default_transaction_read_only=off"
    ) as other:
        other.execute(statement)


def end_sessions() -> None:
    """End the sessions of all processes: the next ones are of the database's new settings."""
    run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name LIKE 'caicaini-%' AND datname = current_database()"
    )


def set_read_only(value: str) -> None:
    """Let whoever connects from now on read alone, or write again."""
    run(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only ="
        f" {value}', current_database()); END $$"
    )
    end_sessions()


@contextmanager
def read_only() -> Iterator[None]:
    """A database as it is after a failover, or where a provider's disk is full."""
    set_read_only("on")
    try:
        yield
    finally:
        set_read_only("off")


@contextmanager
def without_its_function() -> Iterator[None]:
    """A database whose migration was undone."""
    run("ALTER FUNCTION gateway_apply_2 RENAME TO gateway_apply_away")
    try:
        yield
    finally:
        run("ALTER FUNCTION gateway_apply_away RENAME TO gateway_apply_2")


@contextmanager
def full_disk() -> Iterator[None]:
    """A database that answers, and has no room for another hold."""
    run("CREATE SEQUENCE refusals")
    run(
        "CREATE FUNCTION has_no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " PERFORM nextval('refusals'); RAISE 'no room' USING ERRCODE = '53100'; END $$"
    )
    run(
        "CREATE TRIGGER has_no_room BEFORE INSERT ON billing_hold"
        " FOR EACH ROW EXECUTE FUNCTION has_no_room()"
    )
    try:
        yield
    finally:
        run("DROP FUNCTION has_no_room CASCADE")
        run("DROP SEQUENCE refusals")


def refusals() -> int:
    """How often a batch was sent to the full disk."""
    with psycopg.connect(database_url()) as other:
        row = other.execute("SELECT last_value FROM refusals").fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize(
    ("taking_nothing", "why"),
    [(read_only, "read-only transaction"), (without_its_function, "does not exist")],
)
def test_calls_end_with_their_charge_and_are_booked_later(
    books: Books,
    process: Process,
    taking_nothing: Callable[[], AbstractContextManager[None]],
    why: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settled, void = books.call(300), books.call(300)
    assert process.ask(settled.hold()).decision is HoldDecision.ADMITTED
    assert process.ask(void.hold()).decision is HoldDecision.ADMITTED
    with taking_nothing():
        assert process.ask(settled.settle(120)) == SettleResult(120, 0)
        assert process.ask(void.void(lost_credits=9)) == SettleResult(0, 9)
        eventually(lambda: why in caplog.text, what="the refusal")
        assert process.refuses(books.call(1))
        assert (books.wallet().posted, books.wallet().held) == (1_000, 600)

    process.await_ledger(books.call(0))
    found = {record.id: (record.credits, record.lost_credits) for record in books.records()}
    assert found == {settled.id: (120, 0), void.id: (0, 9)}
    assert (books.wallet().posted, books.wallet().held) == (880, 0)
    assert audit().is_ok


def test_where_every_batch_fails_it_is_tried_less_and_less_often(
    books: Books, process: Process, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    assert process.ask(books.call(1).hold()).decision is HoldDecision.ADMITTED
    caplog.clear()  # of the first connection
    with full_disk():
        until = time.monotonic() + 3
        while time.monotonic() < until:
            assert process.refuses(books.call(1))
            time.sleep(0.005)
        assert refusals() < 12  # after 0.1, 0.3, 0.7, 1.5, 2.5 seconds, and at once

    process.await_ledger(books.call(0))
    told = [record.message for record in caplog.records]
    away, there = "the ledger is away: no room", "the ledger is there"
    assert [line for line in told if line in {away, there}] == [away, there] * 2
    assert books.wallet().held == 1
    assert audit().is_ok


def test_what_a_dead_process_told_is_kept_until_it_is_taken(
    books: Books, network: Network, journals: Path, caplog: pytest.LogCaptureFixture
) -> None:
    call = books.call(300)
    with child_process(database_url=network.url, journals=journals) as child:
        assert child.hold(call) == "admitted"
        network.go()
        assert child.settle(call, 120) == "120"
        child.kill()
    with read_only(), Process(database_url=database_url(), journals=journals):
        eventually(lambda: "the reaper cannot look" in caplog.text, what="the reaper's look")
        assert [path.suffix for path in journals.iterdir()] == [".journal"] * 2

    with Process(database_url=database_url(), journals=journals):
        eventually(lambda: books.wallet().posted == 880, what="the replay")
    assert books.wallet().held == 0
    assert audit().is_ok
