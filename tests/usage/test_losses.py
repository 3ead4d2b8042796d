"""A workspace whose calls cost more than was held is stopped, and an operator can lift it."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from billing.ledger import wallets
from billing.models import FrozenFor
from tests.support.books import Books, open_books
from tests.support.request_records import a_record, write
from usage import losses, roll_up, tasks
from usage.models import Ending

LIMIT = 1_000

pytestmark = pytest.mark.django_db


@pytest.fixture
def books(settings: Settings, db: None) -> Books:
    settings.LOST_CREDITS_PER_DAY = LIMIT
    return open_books()


def lose(books: Books, credits: int, **fields: Any) -> None:
    write(a_record(books.workspace, lost_credits=credits, **fields))


def test_losses_above_the_limit_freeze_the_wallet(
    books: Books, caplog: pytest.LogCaptureFixture
) -> None:
    lose(books, LIMIT)
    tasks.roll_up()
    assert books.wallet().frozen_at is None

    lose(books, 1)
    tasks.roll_up()

    assert books.wallet().frozen_at is not None
    assert books.wallet().frozen_for == FrozenFor.LOSSES
    [line] = [record.getMessage() for record in caplog.records if "is stopped" in record.msg]
    assert f"workspace {books.workspace.pk} " in line
    assert f"{LIMIT + 1} credits" in line


def test_only_that_workspace_is_frozen(books: Books) -> None:
    other = open_books()
    lose(books, LIMIT + 1)
    lose(other, LIMIT)
    tasks.roll_up()
    assert (books.wallet().frozen_at is None, other.wallet().frozen_at is None) == (False, True)


@pytest.mark.parametrize("ending", [Ending.BROKE_OFF, Ending.FAILED, Ending.SHUTDOWN])
def test_what_an_upstream_or_we_broke_off_counts_against_nobody(
    books: Books, ending: Ending
) -> None:
    lose(books, 10 * LIMIT, ending=ending)
    tasks.roll_up()
    assert books.wallet().frozen_at is None


def test_losses_of_the_day_before_are_over(books: Books) -> None:
    lose(books, LIMIT + 1, at=timezone.now() - timedelta(days=1, minutes=1))
    tasks.roll_up()
    assert books.wallet().frozen_at is None


def test_after_it_is_lifted_earlier_losses_count_no_more(books: Books) -> None:
    lose(books, LIMIT + 1)
    tasks.roll_up()
    wallets.unfreeze(books.wallet_id)
    lose(books, LIMIT, at=timezone.now())
    tasks.roll_up()
    assert (books.wallet().frozen_at, books.wallet().frozen_for) == (None, "")

    lose(books, 1, at=timezone.now())
    tasks.roll_up()
    assert books.wallet().frozen_at is not None


def test_an_audit_that_finds_a_fault_is_the_graver_reason(books: Books) -> None:
    wallets.freeze([books.wallet_id], why=FrozenFor.LOSSES)
    since = books.wallet().frozen_at
    wallets.freeze([books.wallet_id])
    assert (books.wallet().frozen_at, books.wallet().frozen_for) == (since, FrozenFor.AUDIT)
    wallets.freeze([books.wallet_id], why=FrozenFor.LOSSES)
    assert books.wallet().frozen_for == FrozenFor.AUDIT


def test_no_limit_stops_nobody(books: Books, settings: Settings) -> None:
    settings.LOST_CREDITS_PER_DAY = 0
    lose(books, 10**9)
    roll_up.roll_up()
    assert losses.stop([books.workspace.pk]) == []
