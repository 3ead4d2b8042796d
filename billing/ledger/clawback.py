"""Take back credits that may be spent already: what is not there is owed, and repaid first.

`posted - owed` always moves by the whole amount, and what is owed is not there to be spent: so the
end is the same in whatever order credits come and go.
"""

from django.db import transaction
from django.db.models import F

from billing.ledger import posting, wallets
from billing.models import EntryKind, LedgerEntry, Wallet


@transaction.atomic
def take(*, wallet_id: int, kind: EntryKind, amount: int, reference: str, reason: str) -> None:
    """Take `amount` credits, or what is available of them; the rest is owed from now on.

    Unlike `ledger.post` this is not idempotent where nothing was available: the caller remembers
    in the same transaction that it has taken.
    """
    [wallet] = wallets.locked(Wallet.objects.filter(pk=wallet_id))
    there = min(amount, wallet.available)
    if there:
        posting.post(
            wallet_id=wallet_id, kind=kind, amount=-there, reference=reference, reason=reason
        )
    if amount > there:
        Wallet.objects.filter(pk=wallet_id).update(owed=F("owed") + amount - there)


@transaction.atomic
def give(
    *, wallet_id: int, kind: EntryKind, amount: int, reference: str, reason: str
) -> LedgerEntry:
    """Give `amount` credits; what is owed goes off again at once, under the same reference."""
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
