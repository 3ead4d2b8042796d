"""The mail sent when a balance falls below the workspace's threshold: one per crossing.

A crossing is the ledger entry that takes the balance from the threshold or above to below it. The
entries are read in their order, so a crossing between two checks is found even if the balance has
recovered since, and a check that is repeated finds the same ones.
"""

from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from billing import outbox
from billing.models import AlertKind, LowBalanceThreshold, Wallet

_CROSSINGS = """
SELECT seq, balance_after FROM (
    SELECT seq, balance_after, lag(balance_after, 1, 0::bigint) OVER (ORDER BY seq) AS before
    FROM billing_ledgerentry WHERE wallet_id = %(wallet)s AND seq BETWEEN %(since)s AND %(until)s
) AS entry
WHERE seq > %(since)s AND before >= %(line)s AND balance_after < %(line)s ORDER BY seq
"""


@transaction.atomic
def set_threshold(*, wallet: Wallet, credits: int | None) -> bool:
    """Set the threshold, or remove it with None; crossings of a new one count from now on.

    Returns whether the balance is below it already: then its mail is due at once. Removed and set
    again with no movement between, it brings no second one.
    """
    thresholds = LowBalanceThreshold.objects.filter(wallet=wallet)
    if not credits:
        thresholds.delete()
        return False
    if thresholds.select_for_update().filter(credits=credits).exists():
        return False
    threshold, _ = thresholds.update_or_create(wallet=wallet, defaults={"credits": credits})
    now = Wallet.objects.get(pk=wallet.pk)  # read after the threshold is locked
    has_mail = now.posted < credits and _announce(
        threshold, now, seq=now.seq, balance=now.posted, is_new_line=True
    )
    _checked(threshold, now)
    return has_mail


def watch() -> int:
    """Record a mail for each crossing since the last time; return how many crossings there were.

    The holds of running calls do not count: most of what they hold is released.
    """
    moved = LowBalanceThreshold.objects.filter(
        Q(checked_seq=None) | Q(checked_seq__lt=F("wallet__seq"))
    )
    return sum(_check(pk) for pk in list(moved.values_list("pk", flat=True)))


@transaction.atomic
def _check(threshold_id: int) -> int:
    """Record the crossings of one threshold, unless another process is doing so."""
    threshold = (
        LowBalanceThreshold.objects.select_for_update(skip_locked=True)
        .filter(pk=threshold_id)
        .first()
    )
    if threshold is None:
        return 0
    wallet = Wallet.objects.get(pk=threshold.wallet_id)  # read after the threshold is locked
    found = [
        _announce(threshold, wallet, seq=seq, balance=balance)
        for seq, balance in _crossings(threshold, wallet)
    ]
    _checked(threshold, wallet)
    return sum(found)


def _crossings(threshold: LowBalanceThreshold, wallet: Wallet) -> list[tuple[int, int]]:
    """Return the entries after the last checked one that cross, each with its balance."""
    if threshold.checked_seq is None:  # of the release before, which has sent its mail, or has not
        is_due = threshold.notified_at is None and wallet.posted < threshold.credits
        return [(wallet.seq, wallet.posted)] if is_due else []
    with connection.cursor() as cursor:
        cursor.execute(
            _CROSSINGS,
            {
                "wallet": threshold.wallet_id,
                "since": threshold.checked_seq,
                "until": wallet.seq,
                "line": threshold.credits,
            },
        )
        return list(cursor.fetchall())


def _announce(
    threshold: LowBalanceThreshold,
    wallet: Wallet,
    *,
    seq: int,
    balance: int,
    is_new_line: bool = False,
) -> bool:
    return outbox.announce(
        workspace_id=wallet.workspace_id,
        kind=AlertKind.LOW_BALANCE,
        crossing=f"{seq}:{threshold.credits}",
        figures={
            "balance": balance,
            "balance_now": wallet.posted,
            "line": threshold.credits,
            "is_new_line": is_new_line,
        },
    )


def _checked(threshold: LowBalanceThreshold, wallet: Wallet) -> None:
    threshold.checked_seq = wallet.seq
    # Read by processes of the release before, so that they send no second mail.
    threshold.notified_at = timezone.now() if wallet.posted < threshold.credits else None
    threshold.save(update_fields=["checked_seq", "notified_at"])
