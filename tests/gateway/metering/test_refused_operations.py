"""Operations that this version of the SQL function does not know are refused, not ignored."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import pytest

from gateway.metering import blocking_apply
from gateway.metering.operations import HoldDecision, HoldResult
from tests.support.books import Books, database_url

OWNER = 7


@pytest.fixture
def ledger(books: Books) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_url(), autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize(
    "unbuilt",
    [
        {"limits": ({"kind": "key", "id": 1, "amount": 50},)},
        {"parent_id": UUID("0198f1d0-3a54-7c11-9d3c-0a4f6a1b2c3d")},
    ],
)
def test_a_limit_that_would_not_be_enforced_is_refused(
    books: Books, ledger: psycopg.Connection[Any], unbuilt: dict[str, Any]
) -> None:
    """Ignored, it would overspend. The other operations of its batch are not affected."""
    limited = msgspec.structs.replace(books.call(300).hold(), **unbuilt)
    other = books.call(200).hold()

    refused, made = blocking_apply.write(ledger, [limited, other], owner=OWNER)

    assert isinstance(refused, psycopg.errors.RaiseException)
    assert made == HoldResult(HoldDecision.ADMITTED, 1_000, 200)
    assert books.wallet().held == 200


def test_a_hold_may_name_the_secret_and_the_member_of_its_call(
    books: Books, ledger: psycopg.Connection[Any]
) -> None:
    hold = msgspec.structs.replace(books.call(300).hold(), secret_id=1, member_id=2)

    made = blocking_apply.write(ledger, [hold], owner=OWNER)

    assert made == [HoldResult(HoldDecision.ADMITTED, 1_000, 300)]


def test_an_unknown_kind_of_operation_is_refused(
    books: Books, ledger: psycopg.Connection[Any]
) -> None:
    """Taken for a void, an operation of another version would free a hold."""
    call = books.call(300)
    blocking_apply.write(ledger, [call.hold()], owner=OWNER)
    release: Any = msgspec.defstruct(
        "Release", [("id", UUID), ("workspace_id", int)], tag="release", tag_field="kind"
    )

    [refused] = blocking_apply.write(ledger, [release(call.id, call.workspace_id)], owner=OWNER)

    assert isinstance(refused, psycopg.errors.RaiseException)
    assert books.wallet().held == 300
