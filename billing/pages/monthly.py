"""The statement of a month: opening balance, movements by kind, closing balance."""

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from django.db.models import Count, Sum

from billing.ledger import cuts
from billing.models import EntryKind, LedgerEntry, Wallet

_MOST_MONTHS = 24  # that are listed


class Month(NamedTuple):
    """A calendar month of UTC."""

    year: int
    month: int

    def __str__(self) -> str:
        return f"{self.year}-{self.month:02}"

    @property
    def begins_at(self) -> datetime:
        """Its first moment."""
        return datetime(self.year, self.month, 1, tzinfo=UTC)

    @property
    def next(self) -> "Month":
        """The month after it."""
        return Month(self.year + self.month // 12, self.month % 12 + 1)

    @property
    def last_day(self) -> date:
        """Its last day."""
        return self.next.begins_at.date() - timedelta(days=1)

    @property
    def previous(self) -> "Month":
        """The month before it."""
        return Month(self.year - (self.month == 1), (self.month - 2) % 12 + 1)


class Movements(NamedTuple):
    """All movements of one kind."""

    label: str
    entries: int
    credits: int


class MonthlyStatement(NamedTuple):
    """Opening balance and movements add up to the closing balance; numbers are of entries."""

    month: Month
    opening: int
    movements: list[Movements]
    closing: int
    first_seq: int
    last_seq: int
    is_running: bool


class MonthInList(NamedTuple):
    """A month with its movements' sum and the balance at its end; the present one's is of now."""

    month: Month
    moved: int
    closing: int


def month_of(moment: datetime) -> Month:
    """Return the month that a moment is in."""
    local = moment.astimezone(UTC)
    return Month(local.year, local.month)


def months(wallet: Wallet, *, now: datetime) -> list[Month]:
    """Return the months since the wallet's first entry, newest first, at most two years."""
    first = LedgerEntry.objects.filter(wallet=wallet, seq=1).values_list("created_at", flat=True)
    begun = first.first()
    if begun is None:
        return []
    found: list[Month] = []
    month = month_of(now)
    while month >= month_of(begun) and len(found) < _MOST_MONTHS:
        found.append(month)
        month = month.previous
    return found


def months_with_balances(wallet: Wallet, *, now: datetime) -> list[MonthInList]:
    """Return the listed months, newest first."""
    listed, closing = [], cuts.balance_at(wallet, wallet.seq)
    for month in months(wallet, now=now):
        opening = cuts.balance_at(wallet, cuts.last_seq_before(wallet, month.begins_at))
        listed.append(MonthInList(month, closing - opening, closing))
        closing = opening
    return listed


def statement_of(wallet: Wallet, month: Month, *, now: datetime) -> MonthlyStatement:
    """Return the statement of a month; the present month's ends with the last entry."""
    before = cuts.last_seq_before(wallet, month.begins_at)
    last = cuts.last_seq_before(wallet, month.next.begins_at)
    sums = (
        LedgerEntry.objects.filter(wallet=wallet, seq__gt=before, seq__lte=last)
        .values("kind")
        .annotate(count=Count("seq"), credits=Sum("amount"))
    )
    by_kind = {one["kind"]: one for one in sums}
    return MonthlyStatement(
        month,
        cuts.balance_at(wallet, before),
        [
            Movements(str(kind.label), by_kind[kind]["count"], by_kind[kind]["credits"])
            for kind in EntryKind
            if kind in by_kind
        ],
        cuts.balance_at(wallet, last),
        before + 1,
        last,
        is_running=month == month_of(now),
    )
