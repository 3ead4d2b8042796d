"""PostgreSQL answers but rejects writes: expected charges are written later, no hold stays."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psycopg
import pytest

from billing.audit.report import audit
from gateway.metering.operations import HoldDecision, SettleResult
from tests.support.books import Books, database_url
from tests.support.gateway_process import Process, child_process, end_sessions
from tests.support.network import Network
from tests.support.waiting import eventually


def run(statement: str) -> None:
    """Run it with write access, even where the database's default is read-only."""
    with psycopg.connect(
        database_url(), autocommit=True, options="-c default_transaction_read_only=off"
    ) as other:
        other.execute(statement)


def set_read_only(value: str) -> None:
    """Make later connections read-only, or writable again."""
    run(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only ="
        f" {value}', current_database()); END $$"
    )
    end_sessions("caicaini-%")


@contextmanager
def read_only() -> Iterator[None]:
    """A database after a failover, or with a full disk at some providers."""
    set_read_only("on")
    try:
        yield
    finally:
        set_read_only("off")


@contextmanager
def without_its_function() -> Iterator[None]:
    """A database whose migration was reversed."""
    run("ALTER FUNCTION gateway_apply_2 RENAME TO gateway_apply_renamed")
    try:
        yield
    finally:
        run("ALTER FUNCTION gateway_apply_renamed RENAME TO gateway_apply_2")


@contextmanager
def full_disk() -> Iterator[None]:
    """A database that answers and has no room for another hold."""
    run("CREATE SEQUENCE rejections")
    run(
        "CREATE FUNCTION has_no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " PERFORM nextval('rejections'); RAISE 'no room' USING ERRCODE = '53100'; END $$"
    )
    run(
        "CREATE TRIGGER has_no_room BEFORE INSERT ON billing_hold"
        " FOR EACH ROW EXECUTE FUNCTION has_no_room()"
    )
    try:
        yield
    finally:
        run("DROP FUNCTION has_no_room CASCADE")
        run("DROP SEQUENCE rejections")


def rejections() -> int:
    """How many batches the full disk has rejected."""
    with psycopg.connect(database_url()) as other:
        row = other.execute("SELECT last_value FROM rejections").fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize(
    ("rejecting", "cause"),
    [(read_only, "read-only transaction"), (without_its_function, "does not exist")],
)
def test_calls_end_with_their_charge_and_are_written_later(
    books: Books,
    process: Process,
    rejecting: Callable[[], AbstractContextManager[None]],
    cause: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settled, void = books.call(300), books.call(300)
    assert process.apply(settled.hold()).decision is HoldDecision.ADMITTED
    assert process.apply(void.hold()).decision is HoldDecision.ADMITTED
    with rejecting():
        assert process.apply(settled.settle(120)) == SettleResult(120, 0)
        assert process.apply(void.void(lost_credits=9)) == SettleResult(0, 9)
        eventually(lambda: cause in caplog.text, what="the rejection")
        assert process.refuses(books.call(1))
        assert (books.wallet().posted, books.wallet().held) == (1_000, 600)

    process.await_recovery(books.call(0))
    found = {record.id: (record.credits, record.lost_credits) for record in books.records()}
    assert found == {settled.id: (120, 0), void.id: (0, 9)}
    assert (books.wallet().posted, books.wallet().held) == (880, 0)
    assert audit().is_ok


def test_attempts_back_off_where_every_batch_fails(
    books: Books, process: Process, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    assert process.apply(books.call(1).hold()).decision is HoldDecision.ADMITTED
    caplog.clear()  # of the first connection
    with full_disk():
        until = time.monotonic() + 3
        while time.monotonic() < until:
            assert process.refuses(books.call(1))
            time.sleep(0.005)
        assert rejections() < 12  # after 0.1, 0.3, 0.7, 1.5, 2.5 seconds, and at once

    process.await_recovery(books.call(0))
    messages = [record.message for record in caplog.records]
    lost, recovered = "the ledger is unavailable: no room", "the ledger has recovered"
    assert [line for line in messages if line in {lost, recovered}] == [lost, recovered] * 2
    assert books.wallet().held == 1
    assert audit().is_ok


def test_a_dead_process_journal_is_kept_until_postgresql_accepts_it(
    books: Books, network: Network, journals: Path, caplog: pytest.LogCaptureFixture
) -> None:
    call = books.call(300)
    with child_process(database_url=network.url, journals=journals) as child:
        assert child.hold(call) == "admitted"
        network.disconnect()
        assert child.settle(call, 120) == "120"
        child.kill()
    with read_only(), Process(database_url=database_url(), journals=journals):
        eventually(lambda: "the reaper cannot run" in caplog.text, what="the reaper's run")
        assert [path.suffix for path in journals.iterdir()] == [".journal"] * 2

    with Process(database_url=database_url(), journals=journals):
        eventually(lambda: books.wallet().posted == 880, what="the replay")
    assert books.wallet().held == 0
    assert audit().is_ok
