"""Where a moment cuts a wallet's ledger.

Entries are numbered in the order of their postings, and their times follow that order but for
transactions that ran side by side. A cut by number is exact: the balance after its last entry is
the sum of all entries up to it.
"""

from datetime import datetime

from django.db.models import Max

from billing.models import LedgerEntry, Wallet

_SIDE_BY_SIDE = 1_000  # entries of transactions that ran at the same time, at most


def last_seq_before(wallet: Wallet, moment: datetime) -> int:
    """Return the number of the last entry before a moment, 0 if there is none.

    It halves the range of numbers, so that an old month costs no more than the present one. That
    ends at a place where an entry before the moment is followed by one after it; the last such
    place is near, and is the same however long the ledger has grown since.
    """
    entries = LedgerEntry.objects.filter(wallet=wallet)
    low, high = 0, wallet.seq  # the answer is from low to high
    while low < high:
        middle = (low + high + 1) // 2
        posted_at = entries.filter(seq=middle).values_list("created_at", flat=True).get()
        if posted_at < moment:
            low = middle
        else:
            high = middle - 1
    near = entries.filter(seq__gt=low, seq__lte=low + _SIDE_BY_SIDE, created_at__lt=moment)
    later: int | None = near.aggregate(last=Max("seq"))["last"]
    return later or low


def balance_at(wallet: Wallet, seq: int) -> int:
    """Return the balance after an entry; before the first, 0."""
    if not seq:
        return 0
    return LedgerEntry.objects.values_list("balance_after", flat=True).get(wallet=wallet, seq=seq)
