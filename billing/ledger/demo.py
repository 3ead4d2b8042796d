"""The wallet that pays for visitors' runs on the landing page, filled up once a day."""

from datetime import date

from django.db import IntegrityError, connection, transaction

from accounts.models import Workspace
from billing.ledger import posting, wallets
from billing.models import DemoWallet, EntryKind, Hold, LedgerEntry, Wallet

WORKSPACE_NAME = "Demo on the landing page"


def wallet() -> Wallet | None:
    """Return the demo wallet; None before it is first filled."""
    demo = DemoWallet.objects.select_related("wallet").first()
    return demo.wallet if demo else None


def has_credits() -> bool:
    """Whether the next run is likely to fit: as much is available as the last one held."""
    found = wallet()
    if found is None:
        return False
    last = Hold.objects.filter(wallet=found).order_by("-id").values_list("amount", flat=True)
    return found.available >= (last.first() or 1)


@transaction.atomic
def fill(*, credits: int) -> LedgerEntry | None:
    """Bring the wallet to `credits`, once in a day of UTC: the second time nothing moves.

    What is left of the day before is kept, not added to; credits above the amount are taken back,
    but for those that are held. So a day's runs cost no more than `credits`. None if the day ended
    while the wallet's lock was waited for: the next call fills it for the new day.
    """
    found = _opened()
    [locked] = wallets.locked(Wallet.objects.filter(pk=found.pk))
    day, is_over = _today()
    if is_over:
        return None
    return fill_locked(locked, credits=credits, day=day)


def fill_locked(locked: Wallet, *, credits: int, day: date) -> LedgerEntry:
    """Fill a wallet that the transaction has locked. A day has its entry even if nothing moves:
    otherwise a later call would fill the wallet again."""
    reference = day.isoformat()
    earlier = LedgerEntry.objects.filter(
        wallet=locked, kind=EntryKind.DEMO, reference=reference
    ).first()
    if earlier is not None:
        return earlier
    return posting.post(
        wallet_id=locked.pk,
        kind=EntryKind.DEMO,
        amount=max(credits - locked.posted, -locked.available),
        reference=reference,
        reason=f"Filled up to {credits:,} credits",
    )


def _today() -> tuple[date, bool]:
    """Return the day that the transaction's entries are written with, and whether it has ended."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (now() AT TIME ZONE 'UTC')::date,"
            " (now() AT TIME ZONE 'UTC')::date < (clock_timestamp() AT TIME ZONE 'UTC')::date"
        )
        day, is_over = cursor.fetchone()
    return day, is_over


def _opened() -> Wallet:
    """Return the wallet; the first call makes it and its workspace, which has no members."""
    found = wallet()
    if found is not None:
        return found
    try:
        with transaction.atomic():  # undone as a whole if another process was first
            workspace = Workspace.objects.create(name=WORKSPACE_NAME)
            made = wallets.wallet_of(workspace)
            DemoWallet.objects.create(id=1, wallet=made)
            return made
    except IntegrityError:
        return DemoWallet.objects.select_related("wallet").get().wallet
