"""The audit compares a record's price lines with its credits and its loss."""

from typing import Any

import psycopg
import pytest

from billing.audit.report import audit
from gateway.metering import blocking_apply
from tests.support.books import Books, database_url, open_books
from usage.records import RecordLine

# 11.75 credits.
LINES = (
    RecordLine("input", "caicaini/swift", 1, 14, 100_000),
    RecordLine("output", "caicaini/swift", 1, 23, 450_000),
)


@pytest.fixture
def books(transactional_db: None) -> Books:
    return open_books(1_000)


def apply(*operations: Any) -> None:
    with psycopg.connect(database_url(), autocommit=True) as connection:
        blocking_apply.write(connection, operations, owner=7)


def test_lines_are_rounded_up_once_however_their_call_ended(books: Books) -> None:
    charged, capped, reaped, free, void = (books.call(amount) for amount in (300, 5, 300, 9, 9))
    apply(*(call.hold() for call in (charged, capped, reaped, free, void)))
    apply(reaped.void_hold())
    apply(books.call(books.wallet().available).hold())  # the freed credits go to another call
    no_cost = (RecordLine("input", "caicaini/swift", 1, 14, 0),)
    apply(
        reaped.settle(12, lines=LINES),
        charged.settle(12, lines=LINES),
        capped.settle(12, lines=LINES),
        free.settle(0, lines=no_cost),
        void.void(lines=(), lost_credits=9),
    )

    assert {(record.credits, record.lost_credits) for record in books.records()} == {
        (12, 0),
        (5, 7),
        (0, 12),
        (0, 0),
        (0, 9),
    }
    assert audit().findings == []


@pytest.mark.parametrize("actual", [11, 13])
def test_another_charge_than_that_of_the_lines_is_a_finding(books: Books, actual: int) -> None:
    call = books.call(300)
    earlier = audit()
    apply(call.hold(), call.settle(actual, lines=LINES))

    for report in (audit(), audit(since=earlier.covered_until)):
        assert report.wallet_ids == {books.wallet_id}
        [finding] = report.findings
        assert finding.places == [f"request req_{call.id.hex} of wallet {books.wallet_id}"]
