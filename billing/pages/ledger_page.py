"""The queries of the ledger's page: which entries pass its filter, and what they add up to."""

from datetime import datetime
from typing import NamedTuple

from django.db.models import Count, QuerySet, Sum

from billing.ledger import cuts
from billing.models import EntryKind, LedgerEntry, Wallet
from billing.pages.ledger_filter import LedgerFilter

PAGE_SIZE = 25


class Extent(NamedTuple):
    """The entries after number `after`, up to number `last`."""

    after: int
    last: int


class LedgerPage(NamedTuple):
    """Entries, newest first, and the `seq` to continue before, when there are older ones."""

    entries: list[LedgerEntry]
    older_before: int | None


class Totals(NamedTuple):
    """What the entries that pass a filter add up to; `opening` is the balance before them."""

    entries: int
    credits: int
    opening: int
    closing: int


def extent_of(wallet: Wallet, since: datetime | None, until: datetime | None) -> Extent:
    """Return the entries of a time; an end that is None is the ledger's."""
    after = cuts.last_seq_before(wallet, since) if since else 0
    last = cuts.last_seq_before(wallet, until) if until else wallet.seq
    return Extent(after, max(after, last))


def page_of(
    wallet: Wallet, wanted: LedgerFilter, extent: Extent, *, before: int | None = None
) -> LedgerPage:
    """Return the newest entries that pass the filter, or those before the number `before`.

    By key, not by offset: page 1,000 costs no more than the first.
    """
    entries = _entries(wallet, extent)
    if wanted.kind:
        entries = entries.filter(kind=wanted.kind)
    if before is not None:
        entries = entries.filter(seq__lt=before)
    return _page(entries, PAGE_SIZE)


def newest(wallet: Wallet, number: int) -> LedgerPage:
    """Return the newest entries."""
    return _page(LedgerEntry.objects.filter(wallet=wallet), number)


def totals(wallet: Wallet, wanted: LedgerFilter, extent: Extent) -> Totals:
    """Return what the entries that pass the filter add up to.

    Usage is what is left of the whole without the other kinds: those are few, and an index finds
    them, but usage may have millions of entries.
    """
    opening, closing = (cuts.balance_at(wallet, seq) for seq in extent)
    count, credits = extent.last - extent.after, closing - opening
    if wanted.kind:
        usage = wanted.kind is EntryKind.USAGE
        others = [kind for kind in EntryKind if kind is not EntryKind.USAGE]
        found = (
            _entries(wallet, extent)
            .filter(kind__in=others if usage else [wanted.kind])
            .aggregate(count=Count("seq"), credits=Sum("amount", default=0))
        )
        count = count - found["count"] if usage else found["count"]
        credits = credits - found["credits"] if usage else found["credits"]
    return Totals(count, credits, opening, closing)


def _entries(wallet: Wallet, extent: Extent) -> QuerySet[LedgerEntry]:
    return LedgerEntry.objects.filter(wallet=wallet, seq__gt=extent.after, seq__lte=extent.last)


def _page(entries: QuerySet[LedgerEntry], size: int) -> LedgerPage:
    some = list(entries.order_by("-seq")[: size + 1])
    page = some[:size]
    return LedgerPage(page, page[-1].seq if len(some) > size else None)
