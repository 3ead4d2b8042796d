"""The welcome credits: once per person and once per wallet, without a time limit.

A person is a keyed digest of their normalised address (accounts/one_person.py), which outlives the
account. A network gets few a day: an account is made all the same, and gets its credits at a
sign-in of a later day.
"""

import hashlib
from datetime import timedelta

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import Role, User, Workspace
from accounts.one_person import keyed_digest, person_digest
from billing.errors import TooManyFromNetwork
from billing.ledger import clawback, wallets
from billing.models import (
    EntryKind,
    LedgerEntry,
    TopUp,
    Wallet,
    WelcomeCredits,
    WelcomeGrant,
    WelcomeNetwork,
)

# Constant: the ledger, too, refuses a second entry of this kind and reference on a wallet.
REFERENCE = "welcome"
_COUNT = """
INSERT INTO billing_welcomenetwork AS known (network, day, granted) VALUES (%s, %s, 1)
ON CONFLICT (network, day) DO UPDATE SET granted = known.granted + 1 WHERE known.granted < %s
"""


@transaction.atomic
def grant_welcome(*, user: User, email: str, network: str | None = None) -> LedgerEntry | None:
    """Grant the welcome credits for a verified address to its owner's own workspace.

    The second time, for the person or for the wallet, nothing happens and the result is None. What
    the wallet owes is repaid first. Raises TooManyFromNetwork, with nothing changed, when `network`
    has had its share of the day; without a `network` there is no such limit.
    """
    wallet = _wallet_of(user)
    if wallet is None or settings.WELCOME_CREDITS <= 0 or _had_them(wallet, email):
        return None
    # Everything below is decided under the wallet's lock, here as after a payment.
    wallets.locked(Wallet.objects.filter(pk=wallet.pk))
    if settings.WELCOME_AFTER_PAYMENT and not _has_paid(wallet):
        return None
    if not claim(wallet=wallet, email=email):
        return None
    if network is not None:
        _count(network)
    return clawback.credit(
        wallet_id=wallet.pk,
        kind=EntryKind.GRANT,
        amount=settings.WELCOME_CREDITS,
        reference=REFERENCE,
        reason="Welcome credits",
    )


def grant_after_payment(*, wallet_id: int) -> None:
    """Grant them to the owner of a wallet that has paid, where a setting makes them wait for that.

    No limit per network: a payment is dearer than what it brings. Call it any number of times.
    """
    if not settings.WELCOME_AFTER_PAYMENT:
        return
    owned = Q(user__memberships__workspace__wallets=wallet_id, user__memberships__role=Role.OWNER)
    for address in EmailAddress.objects.filter(owned, verified=True).order_by("id"):
        wallet = _wallet_of(address.user)
        # Another wallet would be locked while ours is, in no fixed order.
        if wallet is not None and wallet.pk == wallet_id:
            grant_welcome(user=address.user, email=address.email)


def claim(*, wallet: Wallet, email: str) -> bool:
    """Record that the person and the wallet have had them; False if one of them had before."""
    if _had_them(wallet, email):
        return False
    _, is_first = WelcomeCredits.objects.get_or_create(
        person=person_digest(email, key=settings.WELCOME_HASH_KEY), defaults={"wallet": wallet}
    )
    return is_first


def forget_networks() -> int:
    """Delete the counts of days that are over; return how many."""
    yesterday = timezone.now().date() - timedelta(days=1)
    return WelcomeNetwork.objects.filter(day__lt=yesterday).delete()[0]


def plain_digest(email: str) -> bytes:
    """Return what the release before kept of an address."""
    return hashlib.sha256(email.strip().lower().encode()).digest()


def keyed_plain_digest(digest: bytes) -> bytes:
    """Return what is kept of a person of whom only the old digest is known."""
    return keyed_digest(digest.hex(), key=settings.WELCOME_HASH_KEY)


def _wallet_of(user: User) -> Wallet | None:
    workspace = Workspace.objects.filter(memberships__user=user).order_by("memberships__id").first()
    return None if workspace is None else wallets.wallet_of(workspace)


def _had_them(wallet: Wallet, email: str) -> bool:
    """Whether the wallet or the person has had them, also from the release before."""
    plain = plain_digest(email)
    person = person_digest(email, key=settings.WELCOME_HASH_KEY)
    return (
        WelcomeCredits.objects.filter(
            Q(wallet=wallet) | Q(person__in=[person, keyed_plain_digest(plain)])
        ).exists()
        or WelcomeGrant.objects.filter(Q(wallet=wallet) | Q(email_digest=plain)).exists()
    )


def _has_paid(wallet: Wallet) -> bool:
    return TopUp.objects.filter(wallet=wallet, credited__gt=0).exists()


def _count(network: str) -> None:
    """Count a grant against the network's share of the day, or raise TooManyFromNetwork."""
    limit = settings.WELCOME_GRANTS_PER_NETWORK
    if not limit:
        return
    digest = keyed_digest(network, key=settings.WELCOME_HASH_KEY)
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [digest, timezone.now().date(), limit])
        if not cursor.rowcount:
            raise TooManyFromNetwork
