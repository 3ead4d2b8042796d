"""Where a moment cuts a wallet's ledger.

Entries are numbered in the order of their postings, and their times follow that order but for
transactions that ran side by side. A cut by number is exact: the balance after its last entry is
the sum of all entries up to it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection
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


# last_seq_before for several moments, in one statement.
_BALANCES = """
WITH RECURSIVE search (place, moment, low, high) AS (
    SELECT place, moment, 0::bigint, %(seq)s::bigint
    FROM unnest(%(moments)s::timestamptz[]) WITH ORDINALITY AS given (moment, place)
    UNION ALL
    SELECT search.place, search.moment,
        CASE WHEN entry.created_at < search.moment THEN entry.seq ELSE search.low END,
        CASE WHEN entry.created_at < search.moment THEN search.high ELSE entry.seq - 1 END
    FROM search CROSS JOIN LATERAL (
        SELECT seq, created_at FROM billing_ledgerentry
        WHERE wallet_id = %(wallet_id)s AND seq = (search.low + search.high + 1) / 2 OFFSET 0
    ) AS entry
    WHERE search.low < search.high
)
SELECT entry.balance_after
FROM search CROSS JOIN LATERAL (
    SELECT max(seq) AS seq FROM billing_ledgerentry
    WHERE wallet_id = %(wallet_id)s AND created_at < search.moment
        AND seq > search.low AND seq <= search.low + %(near)s
) AS later
LEFT JOIN billing_ledgerentry AS entry
    ON entry.wallet_id = %(wallet_id)s AND entry.seq = coalesce(later.seq, search.low)
WHERE search.low = search.high ORDER BY search.place
"""


def balances_before(wallet: Wallet, moments: Sequence[datetime]) -> list[int | None]:
    """Return the balance right before each moment; None before the first entry."""
    asked: dict[str, Any] = {
        "wallet_id": wallet.pk,
        "seq": wallet.seq,
        "moments": list(moments),
        "near": _SIDE_BY_SIDE,
    }
    with connection.cursor() as cursor:
        cursor.execute(_BALANCES, asked)
        return [balance for (balance,) in cursor.fetchall()]


def balance_at(wallet: Wallet, seq: int) -> int:
    """Return the balance after an entry; before the first, 0."""
    if not seq:
        return 0
    return LedgerEntry.objects.values_list("balance_after", flat=True).get(wallet=wallet, seq=seq)
