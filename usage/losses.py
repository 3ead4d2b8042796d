"""Stops a workspace whose calls cost more than was held for them.

Such a loss has a cause in the calls: a price that the catalogue lacks, an upstream that reports
more than the request can have. What an upstream breaks off is lost too, but by no fault of the
workspace.
"""

import logging
from collections.abc import Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

from billing.ledger import wallets
from billing.models import FrozenFor, Pool, Wallet
from usage.models import DirtyHour, Ending

logger = logging.getLogger(__name__)

_SPAN = timedelta(days=1)
_QUARTER = timedelta(minutes=15)
# Of what is delivered in these ways the caller pays for all that was held.
_CHARGED = [Ending.COMPLETED, Ending.CALLER_LEFT, Ending.REVOKED]
# All losses, by the roll-ups: few workspaces have any, and only theirs are read call by call.
_MAY_LOSE = """
    SELECT workspace_id FROM usage_quarter
    WHERE workspace_id = ANY(%s) AND bucket >= %s
    GROUP BY workspace_id HAVING sum(lost_credits) > %s
"""
_LOST = """
    SELECT coalesce(sum(lost_credits), 0)::bigint FROM usage_requestrecord
    WHERE workspace_id = %s AND accepted_at >= %s AND ending = ANY(%s)
"""


def with_new_records() -> list[int]:
    """Return the workspaces whose roll-ups are behind their records."""
    return list(DirtyHour.objects.values_list("workspace_id", flat=True).distinct())


def stop(workspace_ids: Collection[int], *, now: datetime | None = None) -> list[int]:
    """Freeze those that have lost more in a day than the setting says, since an operator last
    unfroze them; return their ids. Nothing is frozen while the setting is 0."""
    limit = settings.LOST_CREDITS_PER_DAY
    if not limit or not workspace_ids:
        return []
    since = (now or timezone.now()) - _SPAN
    with connection.cursor() as cursor:
        cursor.execute(_MAY_LOSE, [list(workspace_ids), since - _QUARTER, limit])
        suspects = [workspace_id for (workspace_id,) in cursor.fetchall()]
    open_ones = Wallet.objects.filter(workspace__in=suspects, pool=Pool.API, frozen_at=None)
    return [wallet.workspace_id for wallet in open_ones if _is_stopped(wallet, since, limit)]


def _is_stopped(wallet: Wallet, since: datetime, limit: int) -> bool:
    begins = max(since, wallet.unfrozen_at or since)
    with connection.cursor() as cursor:
        cursor.execute(_LOST, [wallet.workspace_id, begins, _CHARGED])
        [(lost,)] = cursor.fetchall()
    if lost <= limit:
        return False
    wallets.freeze([wallet.pk], why=FrozenFor.LOSSES)
    logger.error(
        "workspace %d is stopped: its calls cost %d credits more than was held for them in a day, "
        "and LOST_CREDITS_PER_DAY is %d; see /operator/audit",
        wallet.workspace_id,
        lost,
        limit,
    )
    return True
