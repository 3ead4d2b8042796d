"""Closed holds are deleted once they are old, and the books stay right."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from billing import retention
from billing.audit.report import audit
from billing.models import Hold, HoldRetention, HoldState
from gateway.metering import blocking_apply
from gateway.metering.operations import SettleResult
from tests.support.books import Books, TestCall, database_url, open_books

OWNER = 7
KEPT = timedelta(days=90)
# Every moment of a call, with the condition that finds it.
MOMENTS = {
    "accepted": (
        ("billing_hold", "accepted_at", "id = %(id)s"),
        ("usage_requestrecord", "accepted_at", "id = %(id)s"),
    ),
    "closed": (
        ("billing_hold", "closed_at", "id = %(id)s"),
        ("billing_ledgerentry", "created_at", "reference = %(id)s::text"),
    ),
}


# A roll-up is due where the record is now.
MARK = """
INSERT INTO usage_dirtyhour (workspace_id, starts_at)
SELECT workspace_id, date_trunc('hour', accepted_at, 'UTC') FROM usage_requestrecord WHERE id = %s
"""


@pytest.fixture
def books(transactional_db: None) -> Books:
    """A workspace with 1,000 credits."""
    return open_books(1_000)


def apply(*operations: Any) -> list[Any]:
    with psycopg.connect(database_url(), autocommit=True) as ledger_connection:
        return blocking_apply.write(ledger_connection, operations, owner=OWNER)


def settled(books: Books, *, accepted: timedelta, closed: timedelta | None = None) -> TestCall:
    """Return a call of 30 credits that was accepted and closed that long ago."""
    call = books.call(50)
    apply(call.hold(), call.settle(30))
    move(call, accepted=accepted, closed=accepted if closed is None else closed)
    return call


def move(call: TestCall, **ago: timedelta) -> None:
    """Put its rows into the past, as a superuser who has switched off triggers."""
    with psycopg.connect(database_url()) as superuser:
        superuser.execute("SET session_replication_role = replica")
        for name, length in ago.items():
            for table, column, condition in MOMENTS[name]:
                statement = f"UPDATE {table} SET {column} = {column} - %(ago)s WHERE {condition}"  # noqa: S608
                superuser.execute(statement, {"ago": length, "id": call.id})
        superuser.execute(MARK, [call.id])


def delete_old(**options: Any) -> int:
    return retention.delete_closed_holds(kept=KEPT, **options)


def test_old_closed_holds_go_and_entries_and_records_stay(books: Books) -> None:
    old, void, is_open = (books.call(50) for _ in range(3))
    apply(*(call.hold() for call in (old, void, is_open)), old.settle(30), void.void())
    for call in (old, void):
        move(call, accepted=timedelta(days=100), closed=timedelta(days=100))
    move(is_open, accepted=timedelta(days=100))
    recent = settled(books, accepted=timedelta(days=80))

    assert delete_old() == 2

    assert {hold.id for hold in Hold.objects.all()} == {is_open.id, recent.id}
    assert [entry.amount for entry in books.usage()] == [-30, -30]
    assert len(books.records()) == 3
    assert books.wallet().held == 50
    assert audit().findings == []


@pytest.mark.parametrize(
    ("accepted", "closed"),
    [
        # It began before the cut-off and ended after it.
        (timedelta(days=90, hours=3), timedelta(days=90) - timedelta(hours=3)),
        # Its gateway's clock was ahead of the database's.
        (timedelta(days=90) - timedelta(hours=3), timedelta(days=90, hours=3)),
    ],
)
def test_a_hold_that_the_audit_expects_stays(
    books: Books, accepted: timedelta, closed: timedelta
) -> None:
    settled(books, accepted=timedelta(days=100))
    call = settled(books, accepted=accepted, closed=closed)

    assert delete_old() == 1

    assert [hold.id for hold in books.holds(HoldState.SETTLED)] == [call.id]
    assert audit().findings == []


def test_a_run_that_is_stopped_is_continued_and_the_books_are_right_in_between(
    books: Books,
) -> None:
    for hours in range(5):
        settled(books, accepted=timedelta(days=100, hours=hours))
    rounds = 0
    while Hold.objects.exists():
        assert delete_old(within=timedelta(0), batch=2) <= 2
        assert audit().findings == []
        rounds += 1

    assert rounds > 3
    assert delete_old() == 0


def test_many_holds_of_one_hour_are_deleted_in_batches(books: Books) -> None:
    for _ in range(7):
        settled(books, accepted=timedelta(days=100))

    assert delete_old(within=timedelta(0), batch=3) == 3
    assert delete_old(batch=3) == 4


def test_a_longer_time_brings_nothing_back(books: Books) -> None:
    settled(books, accepted=timedelta(days=100))
    assert delete_old() == 1
    cutoff = HoldRetention.objects.get().cutoff

    assert retention.delete_closed_holds(kept=timedelta(days=900)) == 0

    assert HoldRetention.objects.get().cutoff == cutoff
    assert audit().findings == []


def test_without_old_holds_nothing_is_written(books: Books) -> None:
    settled(books, accepted=timedelta(days=1))

    assert delete_old() == 0
    assert not HoldRetention.objects.exists()


def test_a_settlement_that_is_repeated_later_moves_nothing(books: Books) -> None:
    """The journal of a machine that was away for months."""
    call = settled(books, accepted=timedelta(days=100))
    delete_old()
    posted = books.wallet().posted

    assert apply(call.settle(30)) == [SettleResult(0, 30, posted, 0, None)]

    assert len(books.usage()) == len(books.records()) == 1
    assert audit().findings == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE usage_requestrecord SET credits = credits + 1 WHERE credits = 30",
        "UPDATE billing_ledgerentry SET amount = amount + 1 WHERE kind = 'usage'",
        "DELETE FROM billing_ledgerentry WHERE kind = 'usage'",
        "INSERT INTO usage_requestrecord SELECT (jsonb_populate_record(record,"
        " jsonb_build_object('id', gen_random_uuid()))).* FROM usage_requestrecord AS record",
    ],
)
def test_old_books_are_still_audited(books: Books, statement: str) -> None:
    settled(books, accepted=timedelta(days=100))
    delete_old()
    assert audit().is_ok

    with psycopg.connect(database_url()) as superuser:
        superuser.execute("SET session_replication_role = replica")
        superuser.execute(statement)

    assert audit().wallet_ids == {books.wallet_id}


def test_a_recent_hold_that_is_missing_is_found(books: Books) -> None:
    settled(books, accepted=timedelta(days=100))
    recent = settled(books, accepted=timedelta(days=80))
    delete_old()

    Hold.objects.filter(id=recent.id).delete()

    assert audit().wallet_ids == {books.wallet_id}
