"""The foot of the usage page: whether ledger and usage agree, and when that was checked."""

from datetime import UTC, timedelta

import psycopg
import pytest
from django.utils import timezone

from billing.audit import runs
from billing.models import AuditKind, AuditRun, FrozenFor, Wallet
from gateway.metering import blocking_apply
from tests.support import people
from tests.support.books import Books, database_url, open_books
from tests.support.reading import text_of
from usage.dashboard import words

OWNER = 7


@pytest.fixture
def books(transactional_db: None) -> Books:
    """A workspace whose calls cost 30 and 12 credits."""
    books = open_books(1_000)
    calls = [books.call(50), books.call(50)]
    operations = [call.hold() for call in calls]
    settlements = [call.settle(cost) for call, cost in zip(calls, (30, 12), strict=True)]
    with psycopg.connect(database_url(), autocommit=True) as ledger:
        blocking_apply.write(ledger, operations, owner=OWNER)
        blocking_apply.write(ledger, settlements, owner=OWNER)
    return books


def foot(books: Books) -> str:
    """Return what the page says of it to the workspace's owner."""
    browser = people.browser_of(books.user)
    return text_of(browser.get("/developers/usage")).partition("Ledger and usage ")[2]


def test_before_the_first_audit_nothing_is_claimed(books: Books) -> None:
    assert foot(books).startswith("have not been compared yet.")


def test_after_an_audit_it_says_that_they_agree_and_when_it_was_checked(books: Books) -> None:
    runs.run_recent()

    assert foot(books).startswith("agree. Checked just now (")


@pytest.mark.parametrize(
    ("tampering", "by"),
    [
        (
            "UPDATE usage_requestrecord SET credits = 31 WHERE credits = 30",
            "show 1 credit ($0.00001) too many",
        ),
        (
            "DELETE FROM usage_requestrecord WHERE credits = 30",
            "show 30 credits ($0.00030) too few",
        ),
        (
            "UPDATE billing_ledgerentry SET amount = -31 WHERE amount = -30",
            "show 1 credit ($0.00001) too few",
        ),
    ],
)
def test_a_record_that_differs_from_its_entry_is_said_to_its_workspace_alone(
    books: Books, tampering: str, by: str
) -> None:
    [at] = [one.accepted_at for one in books.records() if one.credits == 30]
    other = open_books(500)
    with psycopg.connect(database_url()) as superuser:
        superuser.execute("SET session_replication_role = replica")
        superuser.execute(tampering)

    runs.run_recent()

    hour = at.replace(minute=0)
    time = words.time_span(hour, hour + timedelta(hours=1), UTC)
    assert foot(books).startswith(f"differ. The sums of {time} {by}. Found just now (")
    assert foot(other).startswith("agree.")


def test_an_old_check_is_not_shown_as_a_fresh_one(books: Books) -> None:
    at = timezone.now() - timedelta(minutes=6)
    AuditRun.objects.create(
        kind=AuditKind.RECENT,
        started_at=at,
        finished_at=at,
        covered_until=at,
        is_ok=True,
        wallets=1,
        entries=3,
        holds=2,
        records=2,
    )

    assert foot(books).startswith("agreed 6 min ago (")


def test_a_workspace_that_is_stopped_for_its_losses_has_books_in_order(books: Books) -> None:
    runs.run_recent()
    Wallet.objects.filter(pk=books.wallet_id).update(
        frozen_at=timezone.now(), frozen_for=FrozenFor.LOSSES
    )

    assert foot(books).startswith("agree.")
