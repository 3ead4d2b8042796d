"""Take back credits that may be spent already: the shortfall is owed, and repaid first.

`posted - owed` always moves by the whole amount, and what is owed cannot be spent. So the result
does not depend on the order in which credits and debits arrive.
"""

from django.db import transaction
from django.db.models import F

from billing.ledger import posting, wallets
from billing.models import EntryKind, LedgerEntry, Wallet


@transaction.atomic
def debit(*, wallet_id: int, kind: EntryKind, amount: int, reference: str, reason: str) -> int:
    """Take back `amount` credits, or as many as are available; the rest becomes owed.

    Returns the rest.

    Unlike `posting.post` this is not idempotent where nothing was available: the caller records
    the debit in the same transaction.
    """
    [wallet] = wallets.locked(Wallet.objects.filter(pk=wallet_id))
    taken = min(amount, wallet.available)
    if taken:
        posting.post(
            wallet_id=wallet_id, kind=kind, amount=-taken, reference=reference, reason=reason
        )
    if amount > taken:
        Wallet.objects.filter(pk=wallet_id).update(owed=F("owed") + amount - taken)
    return amount - taken


@transaction.atomic
def credit(
    *, wallet_id: int, kind: EntryKind, amount: int, reference: str, reason: str
) -> LedgerEntry:
    """Add `amount` credits; what is owed is repaid from them at once, under the same reference."""
    entry = posting.post(
        wallet_id=wallet_id, kind=kind, amount=amount, reference=reference, reason=reason
    )
    [wallet] = wallets.locked(Wallet.objects.filter(pk=wallet_id))
    repaid = min(wallet.owed, wallet.available)
    if repaid:
        posting.post(
            wallet_id=wallet_id,
            kind=EntryKind.ADJUSTMENT,
            amount=-repaid,
            reference=reference,
            reason="Repays credits that were taken back after they had been spent",
        )
        Wallet.objects.filter(pk=wallet_id).update(owed=F("owed") - repaid)
    return entry
