"""Post single entries to the ledger. The gateway's settlements are posted by `gateway_apply`."""

from django.db import transaction

from billing.errors import NotEnoughCredits, WalletMismatch
from billing.ledger import wallets
from billing.models import EntryKind, LedgerEntry, Wallet


@transaction.atomic
def post(
    *, wallet_id: int, kind: EntryKind, amount: int, reference: str, reason: str = ""
) -> LedgerEntry:
    """Move `amount` credits (negative for a debit) and return the entry.

    The second time, with the same wallet, kind and reference, nothing moves and the first entry is
    returned. Raises NotEnoughCredits when a debit exceeds what is available, and WalletMismatch
    when the reference was posted with another amount.
    """
    [wallet] = wallets.locked(Wallet.objects.filter(pk=wallet_id))
    earlier = LedgerEntry.objects.filter(wallet=wallet, kind=kind, reference=reference).first()
    if earlier is not None:
        if earlier.amount != amount:
            raise WalletMismatch(f"{kind} {reference} was posted with {earlier.amount}")
        return earlier
    if amount < 0 and wallet.available < -amount:
        raise NotEnoughCredits(required=-amount, available=wallet.available)
    wallet.posted += amount
    wallet.seq += 1
    wallet.save(update_fields=["posted", "seq"])
    return LedgerEntry.objects.create(
        wallet=wallet,
        seq=wallet.seq,
        kind=kind,
        amount=amount,
        balance_after=wallet.posted,
        reference=reference,
        reason=reason,
    )
