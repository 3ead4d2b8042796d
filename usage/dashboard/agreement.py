"""Whether ledger and usage agree, as the last audit has found."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from billing.models import AuditRun, FrozenFor, Wallet

_FRESH = timedelta(minutes=5)


class Verdict(StrEnum):
    """What the customer reads."""

    AGREE = "agree"
    OLD = "old"  # they agreed, but that was some time ago
    DIFFER = "differ"
    UNKNOWN = "unknown"


class Agreement(NamedTuple):
    """The verdict, and when it was found."""

    verdict: Verdict
    checked_at: datetime | None


def agreement(wallet: Wallet, *, now: datetime) -> Agreement:
    """Return the verdict about a wallet. A wallet with a finding is frozen by the audit."""
    last = AuditRun.objects.first()
    if wallet.frozen_at is not None and wallet.frozen_for != FrozenFor.LOSSES:
        return Agreement(Verdict.DIFFER, wallet.frozen_at)
    if last is None:
        return Agreement(Verdict.UNKNOWN, None)
    verdict = Verdict.AGREE if now - last.finished_at <= _FRESH else Verdict.OLD
    return Agreement(verdict, last.finished_at)
