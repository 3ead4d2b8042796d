"""Delete closed holds once they are old. Ledger entries and request records stay.

Of a hold that was deleted nothing is lost: its entry has the amount, its record the rest. A
settlement that is repeated after that finds no hold, and moves nothing.

The cut-off is committed before any hold is deleted, so an audit never misses a hold that it
expects, at whatever moment a run is interrupted.
"""

import time
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Min, Value
from django.db.models.functions import Greatest
from django.utils import timezone

from billing.models import Hold, HoldRetention

BATCH = 1_000
# `closed_at` has a BRIN index: it finds the rows of an hour quickly, and the first thousand of a
# year only after all those that were just deleted.
_SLICE = timedelta(hours=1)
# A gateway whose clock is ahead accepts a call after the database closes its hold. The audit finds
# a record by its time, so holds are deleted a little later than the cut-off allows.
_CLOCKS_DIFFER_BY = timedelta(hours=1)
_DELETE = """
DELETE FROM billing_hold WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM billing_hold
    WHERE closed_at >= %(since)s AND closed_at < %(until)s AND accepted_at < %(cutoff)s
    LIMIT %(batch)s FOR UPDATE SKIP LOCKED
))
"""


def delete_closed_holds(
    *, kept: timedelta, within: timedelta = timedelta(minutes=5), batch: int = BATCH
) -> int:
    """Delete holds that were closed longer ago than `kept`; return how many.

    Each batch is a transaction of its own. After `within` it stops; the next run continues there.
    """
    if not _advance_cutoff(timezone.now() - kept):
        return 0
    stop_at = time.monotonic() + within.total_seconds()
    deleted = 0
    while (count := _delete_batch(batch)) is not None:
        deleted += count
        if time.monotonic() >= stop_at:
            break
    return deleted


@transaction.atomic(durable=True)
def _advance_cutoff(cutoff: datetime) -> bool:
    """Return whether there is anything to delete. The cut-off never goes back."""
    if HoldRetention.objects.update(cutoff=Greatest("cutoff", Value(cutoff))):
        return True
    oldest = Hold.objects.aggregate(oldest=Min("closed_at"))["oldest"]
    if oldest is None or oldest >= cutoff:
        return False
    row = HoldRetention(id=1, cutoff=cutoff, deleted_until=oldest)
    HoldRetention.objects.bulk_create([row], ignore_conflicts=True)
    return True


@transaction.atomic(durable=True)
def _delete_batch(batch: int) -> int | None:
    """Return how many holds were deleted; None if there are no more hours to go through."""
    retention = HoldRetention.objects.select_for_update().get()
    since, end = retention.deleted_until, retention.cutoff - _CLOCKS_DIFFER_BY
    if since >= end:
        return None
    until = min(since + _SLICE, end)
    with connection.cursor() as cursor:
        cursor.execute(
            _DELETE, {"since": since, "until": until, "cutoff": retention.cutoff, "batch": batch}
        )
        count: int = cursor.rowcount
    if count < batch:
        HoldRetention.objects.update(deleted_until=until)
    return count
