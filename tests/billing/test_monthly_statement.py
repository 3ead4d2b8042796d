"""The statement of a month adds up, wherever the month cuts the ledger."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Workspace
from billing.ledger import cuts, wallets
from billing.models import EntryKind, LedgerEntry, Wallet
from billing.pages import monthly
from billing.pages.monthly import Month
from tests.support import people
from tests.support.reading import text_of

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
FIRST = datetime(2026, 8, 20, tzinfo=UTC)


def posted(wallet: Wallet, amounts: list[tuple[EntryKind, int, timedelta]]) -> None:
    """Post entries; each comes some time after the one before it."""
    balance, moment, entries = wallet.posted, FIRST, []
    for seq, (kind, amount, pause) in enumerate(amounts, start=1):
        balance, moment = balance + amount, moment + pause
        entries.append(
            LedgerEntry(
                wallet=wallet,
                seq=seq,
                kind=kind,
                amount=amount,
                balance_after=balance,
                reference=f"test-{seq}",
                created_at=moment,
            )
        )
    LedgerEntry.objects.bulk_create(entries)
    wallet.posted, wallet.seq = balance, len(entries)
    wallet.save()


def empty_wallet(workspace: Workspace) -> Wallet:
    found = wallets.wallet_of(workspace)
    LedgerEntry.objects.filter(wallet=found).delete()
    found.posted = found.seq = 0
    found.save()
    return found


@pytest.fixture
def wallet(workspace: Workspace) -> Wallet:
    return empty_wallet(workspace)


PAUSES = st.integers(0, 20 * 86_400).map(lambda seconds: timedelta(seconds=seconds))
STEPS = st.lists(st.tuples(st.booleans(), st.integers(1, 10_000), PAUSES), max_size=12)


@given(steps=STEPS)
def test_opening_and_movements_are_the_closing_balance_which_is_the_next_opening(
    steps: list[tuple[bool, int, timedelta]],
) -> None:
    wallet = empty_wallet(people.workspace_of(people.new_person()))
    balance, entries = 0, []
    for is_top_up, size, pause in steps:
        amount = size if is_top_up else -min(size, balance)
        kind = EntryKind.TOP_UP if is_top_up else EntryKind.USAGE
        balance += amount
        entries.append((kind, amount, pause))
    posted(wallet, entries)

    closing, month = 0, Month(2026, 8)
    while month <= Month(2027, 6):
        found = monthly.statement_of(wallet, month, now=NOW)
        assert found.opening == closing
        assert found.opening + sum(one.credits for one in found.movements) == found.closing
        closing, month = found.closing, month.next
    assert closing == balance


def test_a_moment_cuts_before_the_entry_that_has_it(wallet: Wallet) -> None:
    day = timedelta(days=1)
    posted(wallet, [(EntryKind.TOP_UP, 10, day), (EntryKind.TOP_UP, 10, day)])

    assert cuts.last_seq_before(wallet, FIRST) == 0
    assert cuts.last_seq_before(wallet, FIRST + 2 * day) == 1
    assert cuts.last_seq_before(wallet, FIRST + 2 * day + timedelta(microseconds=1)) == 2


def test_months_are_listed_from_the_first_entry_on(wallet: Wallet) -> None:
    assert monthly.months(wallet, now=NOW) == []
    posted(wallet, [(EntryKind.TOP_UP, 10, timedelta())])

    assert monthly.months(wallet, now=NOW) == [Month(2026, month) for month in (11, 10, 9, 8)]


def test_december_is_followed_by_january() -> None:
    assert Month(2026, 12).next == Month(2027, 1)
    assert Month(2027, 1).previous == Month(2026, 12)
    assert Month(2028, 2).last_day.day == 29


def test_a_statement_shows_what_moved(browser: Client, wallet: Wallet) -> None:
    posted(wallet, [(EntryKind.TOP_UP, 500_000, timedelta()), (EntryKind.USAGE, -12, timedelta())])

    page = browser.get("/developers/billing/statements/2026-8").content.decode()

    for text in ("Statement of August 2026", "499,988", "Top-up", "+500,000", "−12"):
        assert text in page


@pytest.mark.parametrize("month", ["2026-7", "2026-13", "1-1", "2099-1", "2026-0"])
def test_a_month_without_a_statement_is_a_404(browser: Client, wallet: Wallet, month: str) -> None:
    posted(wallet, [(EntryKind.TOP_UP, 500_000, timedelta())])

    assert browser.get(f"/developers/billing/statements/{month}").status_code == 404


def test_the_list_of_months_says_what_moved_and_what_was_left(
    browser: Client, wallet: Wallet
) -> None:
    month = timedelta(days=31)
    posted(wallet, [(EntryKind.TOP_UP, 500_000, timedelta()), (EntryKind.USAGE, -12, month)])

    listed = monthly.months_with_balances(wallet, now=NOW)
    page = text_of(browser.get("/developers/billing/statements"))

    found = [(one.month.month, one.moved, one.closing) for one in listed]
    assert found == [(11, 0, 499_988), (10, 0, 499_988), (9, -12, 499_988), (8, 500_000, 500_000)]
    assert "September 2026 −12 −$0.00012 499,988 $5.00" in page
