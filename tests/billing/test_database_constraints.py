"""Invariants that the database enforces: plain SQL that breaks one is refused."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from billing.models import Hold, HoldState
from tests.support.books import Books, subscription_wallet

Refused = Callable[..., str]


@pytest.fixture
def refused() -> Refused:
    """Run a statement that must fail; return PostgreSQL's error."""

    def run(statement: str, *parameters: Any) -> str:
        with (
            pytest.raises(IntegrityError) as error,
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement, parameters)
        return str(error.value)

    return run


def run(statement: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def open_hold(books: Books, amount: int = 100) -> uuid.UUID:
    hold = Hold.objects.create(
        wallet_id=books.wallet_id,
        id=uuid.uuid4(),
        source="api",
        amount=amount,
        owner=1,
        accepted_at=timezone.now(),
    )
    return hold.id


def test_a_wallet_that_holds_more_than_it_has(books: Books, refused: Refused) -> None:
    error = refused("UPDATE billing_wallet SET held = posted + 1 WHERE id = %s", books.wallet_id)

    assert "wallet_covers_holds" in error


def test_a_wallet_that_holds_less_than_nothing(books: Books, refused: Refused) -> None:
    error = refused("UPDATE billing_wallet SET held = -1 WHERE id = %s", books.wallet_id)

    assert "wallet_held_not_negative" in error


def test_a_balance_below_zero(books: Books, refused: Refused) -> None:
    error = refused("UPDATE billing_wallet SET posted = -1 WHERE id = %s", books.wallet_id)

    assert "wallet_covers_holds" in error


def test_a_negative_debt(books: Books, refused: Refused) -> None:
    error = refused("UPDATE billing_wallet SET owed = -1 WHERE id = %s", books.wallet_id)

    assert "wallet_owed_not_negative" in error


def test_a_second_wallet_in_one_pool(books: Books, refused: Refused) -> None:
    error = refused(
        "INSERT INTO billing_wallet (workspace_id, pool) VALUES (%s, 'api')", books.workspace.pk
    )

    assert "wallet_unique" in error


INSERT_ENTRY = (
    "INSERT INTO billing_ledgerentry (wallet_id, seq, kind, amount, balance_after, reference)"
    " VALUES (%s, %s, %s, %s, %s, %s)"
)


def test_two_entries_with_one_reference(books: Books, refused: Refused) -> None:
    run(INSERT_ENTRY, books.wallet_id, 2, "grant", 5, 1_005, "once")

    error = refused(INSERT_ENTRY, books.wallet_id, 3, "grant", 5, 1_010, "once")

    assert "entry_reference_unique" in error


def test_two_entries_at_one_place(books: Books, refused: Refused) -> None:
    error = refused(INSERT_ENTRY, books.wallet_id, 1, "grant", 5, 1_005, "another")

    assert "billing_ledgerentry_pkey" in error


def test_an_entry_that_leaves_less_than_nothing(books: Books, refused: Refused) -> None:
    error = refused(INSERT_ENTRY, books.wallet_id, 2, "adjustment", -1_001, -1, "too much")

    assert "entry_balance_not_negative" in error


def test_usage_that_gives(books: Books, refused: Refused) -> None:
    error = refused(INSERT_ENTRY, books.wallet_id, 2, "usage", 5, 1_005, "a gift")

    assert "entry_usage_takes" in error


def test_an_entry_of_an_unknown_kind(books: Books, refused: Refused) -> None:
    error = refused(INSERT_ENTRY, books.wallet_id, 2, "present", 5, 1_005, "a gift")

    assert "entry_kind_known" in error


def test_a_changed_entry(books: Books, refused: Refused) -> None:
    error = refused(
        "UPDATE billing_ledgerentry SET reason = 'x' WHERE wallet_id = %s", books.wallet_id
    )

    assert "append-only" in error


def test_a_deleted_entry(books: Books, refused: Refused) -> None:
    error = refused("DELETE FROM billing_ledgerentry WHERE wallet_id = %s", books.wallet_id)

    assert "append-only" in error


def test_a_deleted_wallet_that_has_entries(books: Books, refused: Refused) -> None:
    error = refused(
        "DELETE FROM billing_wallet WHERE id = %s; SET CONSTRAINTS ALL IMMEDIATE", books.wallet_id
    )

    assert "billing_ledgerentry" in error


INSERT_HOLD = (
    "INSERT INTO billing_hold (wallet_id, pool, id, source, amount, owner, accepted_at)"
    " VALUES (%s, %s, gen_random_uuid(), %s, %s, 1, now())"
)


def test_a_hold_on_the_subscription_wallet(books: Books, refused: Refused) -> None:
    wallet = subscription_wallet(books)

    assert "hold_wallet_and_pool" in refused(INSERT_HOLD, wallet.pk, "api", "api", 5)
    assert "hold_pool_is_api" in refused(INSERT_HOLD, wallet.pk, "subscription", "api", 5)


def test_a_hold_that_moves_to_the_subscription_wallet(books: Books, refused: Refused) -> None:
    wallet = subscription_wallet(books)
    hold_id = open_hold(books)
    move = "UPDATE billing_hold SET wallet_id = %s, pool = %s WHERE id = %s"

    assert "hold_wallet_and_pool" in refused(move, wallet.pk, "api", hold_id)
    assert "hold_pool_is_api" in refused(move, wallet.pk, "subscription", hold_id)


def test_an_api_wallet_with_holds_that_becomes_a_subscription_wallet(
    books: Books, refused: Refused
) -> None:
    open_hold(books)

    error = refused(
        "UPDATE billing_wallet SET pool = 'subscription' WHERE id = %s", books.wallet_id
    )

    assert "hold_wallet_and_pool" in error


def test_a_hold_of_less_than_nothing(books: Books, refused: Refused) -> None:
    assert "hold_amount_not_negative" in refused(INSERT_HOLD, books.wallet_id, "api", "api", -1)


def test_a_hold_from_an_unknown_source(books: Books, refused: Refused) -> None:
    assert "hold_source_known" in refused(INSERT_HOLD, books.wallet_id, "api", "ether", 1)


@pytest.mark.parametrize(
    "changes",
    [
        "state = 'settled', actual = 101, closed_at = now()",  # above the hold
        "state = 'settled', actual = -1, closed_at = now()",
        "state = 'settled', actual = 5",  # without a moment
        "state = 'settled', closed_at = now()",  # without an amount
        "state = 'void', actual = 5, closed_at = now()",
        "state = 'void'",
        "actual = 5",  # still open
        "state = 'lost', closed_at = now()",
    ],
)
def test_a_hold_that_ends_in_no_proper_way(books: Books, refused: Refused, changes: str) -> None:
    hold_id = open_hold(books, amount=100)

    error = refused(f"UPDATE billing_hold SET {changes} WHERE id = %s", hold_id)  # noqa: S608

    assert "hold_state_consistent" in error
    assert Hold.objects.get(id=hold_id).state == HoldState.HELD
