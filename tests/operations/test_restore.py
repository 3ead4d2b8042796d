"""The restore drill: PostgreSQL is lost, and a backup that was made under load takes its place.

The old processes leave journals that are newer than the backup. Their settlements are applied where
the backup has the hold, set aside where it does not, and never charged twice.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from billing.audit.report import audit
from gateway.metering import journal
from gateway.metering.operations import HoldDecision
from gateway.metering.pending import LedgerUnreachable
from tests.support import gateway_database
from tests.support.books import Books, open_books
from tests.support.gateway_process import ChildProcess, Process, child_process
from tests.support.own_postgres import OwnPostgres, own_postgres, served_by
from tests.support.waiting import eventually

CREDITS = 1_000_000


@pytest.fixture
def lost(tmp_path: Path) -> Iterator[OwnPostgres]:
    """The server that will be lost."""
    (tmp_path / "lost").mkdir()
    with own_postgres(tmp_path / "lost") as running:
        gateway_database.manage("migrate", "--no-input", env={"DATABASE_URL": running.url})
        yield running


@pytest.fixture
def books(lost: OwnPostgres, django_db_blocker: DjangoDbBlocker) -> Iterator[Books]:
    """A workspace on it."""
    with django_db_blocker.unblock():
        with served_by(lost.url):
            made = open_books(CREDITS)
        yield made


@contextmanager
def load(process: ChildProcess, books: Books) -> Iterator[list[int]]:
    """Settle one call of 1 credit after another for the block."""
    settled: list[int] = []
    stopping = threading.Event()

    def work() -> None:
        while not stopping.is_set():
            settled.append(int(process.settle(process.admit(books.call(5)), 1)))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        eventually(lambda: settled, what="the first call")
        yield settled
    finally:
        stopping.set()
        thread.join()


def test_a_backup_made_under_load_is_restored(
    lost: OwnPostgres, books: Books, tmp_path: Path
) -> None:
    here, elsewhere = tmp_path / "journal", tmp_path / "elsewhere"
    (tmp_path / "restored").mkdir()
    with (
        child_process(database_url=lost.url, journals=here) as near,
        child_process(database_url=lost.url, journals=elsewhere) as far,
        child_process(database_url=lost.url, journals=here) as busy,
    ):
        before = near.admit(books.call(300))
        assert near.settle(before, 200) == "200"
        open_at_backup = near.admit(books.call(300))
        far.admit(books.call(70))
        with load(busy, books) as settled:
            restored = OwnPostgres(tmp_path / "restored", backup_of=lost)
        after = near.admit(books.call(300))
        lost.kill()
        # Its sessions outlive the postmaster for a moment, and still commit.
        eventually(
            lambda: near.hold(books.call(0)) == LedgerUnreachable.__name__, what="the outage"
        )
        # Both callers receive a charge, which is in the journal alone.
        assert near.settle(open_at_backup, 120) == "120"
        assert near.settle(after, 30) == "30"
        for child in (near, far, busy):
            child.kill()
    # A process of this machine was killed after its settlement was committed, and before its
    # journal was emptied.
    repeated = journal.create(here, owner=5)
    repeated.append([before.settle(200)])
    repeated.close()

    try:
        restored.start()
        with served_by(restored.url), Process(database_url=restored.url, journals=here) as process:
            eventually(lambda: not list_of_dead(here, process), what="the replay of the journals")
            eventually(lambda: books.wallet().held == 0, what="the release of the open holds")
            charges = [-entry.amount for entry in books.usage()]
            assert sorted(charges, reverse=True)[:3] == [200, 120, 1]
            assert len(charges) - 2 <= len(settled)
            assert books.wallet().posted == CREDITS - sum(charges)
            [line] = [line for path in here.glob("*.aside") for line in path.open()]
            assert str(after.id) in line
            assert process.apply(books.call(10).hold()).decision is HoldDecision.ADMITTED
            assert audit().findings == []
    finally:
        restored.remove()


def list_of_dead(journals: Path, process: Process) -> list[Path]:
    """Return the journals of other processes."""
    own = f"{process.ledger.owner}.journal"
    return [path for path in journals.glob("*.journal") if path.name != own]
