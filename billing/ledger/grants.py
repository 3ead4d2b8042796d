"""Credits that an operator grants without a payment."""

import uuid

from accounts.models import Workspace
from billing.ledger import posting, wallets
from billing.models import EntryKind, LedgerEntry


def grant(*, workspace: Workspace, credits: int, reason: str) -> LedgerEntry:
    """Grant credits, or take them back when negative; raises NotEnoughCredits below zero."""
    return posting.post(
        wallet_id=wallets.wallet_of(workspace).pk,
        kind=EntryKind.GRANT if credits >= 0 else EntryKind.ADJUSTMENT,
        amount=credits,
        reference=f"operator:{uuid.uuid4()}",
        reason=reason,
    )
