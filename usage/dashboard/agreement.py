"""Whether ledger and usage agree, as the last audit has found."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from django.db import connection

from billing.models import FrozenFor, UsageDifference, Wallet

_FRESH = timedelta(minutes=5)
# Of marked hours the page reads the records themselves: their sums need not be right yet.
_LAST_CHECK = """
SELECT (SELECT finished_at FROM billing_auditrun ORDER BY id DESC LIMIT 1), (
    SELECT min(rolled_at) FROM usage_uncheckedhour AS waiting
    WHERE workspace_id = %s AND NOT EXISTS (
        SELECT 1 FROM usage_dirtyhour AS dirty
        WHERE dirty.workspace_id = waiting.workspace_id AND dirty.starts_at = waiting.starts_at))
"""


class Verdict(StrEnum):
    """What the customer reads."""

    AGREE = "agree"
    OLD = "old"  # they agreed, but that was some time ago
    WRONG_SUMS = "wrong-sums"  # the calls are as the ledger has them, and not added up right
    DIFFER = "differ"
    UNKNOWN = "unknown"


class Agreement(NamedTuple):
    """The verdict, when it was found, and where the page differs, oldest first if that is known."""

    verdict: Verdict
    checked_at: datetime | None
    differences: Sequence[UsageDifference] = ()

    @property
    def version(self) -> tuple[object, ...]:
        """What an open page shows of it: the time of a check is renewed every few minutes only."""
        of_time = self.checked_at and self.checked_at.timestamp() // _FRESH.total_seconds()
        wrong = [(one.since, one.until, one.credits, one.requests) for one in self.differences]
        return (self.verdict.value, of_time, wrong)


def agreement(wallet: Wallet, *, now: datetime) -> Agreement:
    """Return the verdict about a wallet. A wallet with a finding is frozen by the audit."""
    differences = list(UsageDifference.objects.filter(workspace=wallet.workspace_id))
    if wallet.frozen_at is not None and wallet.frozen_for != FrozenFor.LOSSES:
        return Agreement(Verdict.DIFFER, wallet.frozen_at, differences)
    if differences:
        found_at = min(one.found_at for one in differences)
        return Agreement(Verdict.WRONG_SUMS, found_at, differences)
    finished_at, unchecked_since = _last_check(wallet.workspace_id)
    if finished_at is None:
        return Agreement(Verdict.UNKNOWN, None)
    checked_at = min(finished_at, unchecked_since or finished_at)
    verdict = Verdict.AGREE if now - checked_at <= _FRESH else Verdict.OLD
    return Agreement(verdict, checked_at)


def _last_check(workspace_id: int) -> tuple[datetime | None, datetime | None]:
    """Return when the last audit ended, and since when sums of the workspace wait for one."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST_CHECK, [workspace_id])
        [row] = cursor.fetchall()
        return row[0], row[1]
