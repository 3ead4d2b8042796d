"""Credits without a payment: the welcome grant, and an operator's."""

import hashlib
import uuid

from django.conf import settings
from django.db import transaction

from accounts.models import User, Workspace
from billing.ledger import posting, wallets
from billing.models import EntryKind, LedgerEntry, WelcomeGrant


@transaction.atomic
def grant_welcome(*, user: User, email: str) -> LedgerEntry | None:
    """Grant the welcome credits for a verified address to its owner's own workspace.

    Once per address, ignoring case, also across accounts: the second time nothing happens and the
    result is None.
    """
    workspace = Workspace.objects.filter(memberships__user=user).order_by("memberships__id").first()
    if workspace is None or settings.WELCOME_CREDITS <= 0:
        return None
    digest = address_digest(email)
    wallet = wallets.wallet_of(workspace)
    _, is_first = WelcomeGrant.objects.get_or_create(
        email_digest=digest, defaults={"wallet": wallet}
    )
    if not is_first:
        return None
    return posting.post(
        wallet_id=wallet.pk,
        kind=EntryKind.GRANT,
        amount=settings.WELCOME_CREDITS,
        reference=f"welcome:{digest.hex()}",
        reason="Welcome credits",
    )


def address_digest(email: str) -> bytes:
    """Return the key of an address in WelcomeGrant, the same for any case."""
    return hashlib.sha256(email.strip().lower().encode()).digest()


def grant(*, workspace: Workspace, credits: int, reason: str) -> LedgerEntry:
    """Grant credits, or take them back when negative; raises NotEnoughCredits below zero."""
    return posting.post(
        wallet_id=wallets.wallet_of(workspace).pk,
        kind=EntryKind.GRANT if credits >= 0 else EntryKind.ADJUSTMENT,
        amount=credits,
        reference=f"operator:{uuid.uuid4()}",
        reason=reason,
    )
