"""Drop months of request records once they are old. Their roll-ups stay, to the quarter hour; only
those of sessions are deleted.

A month is dropped whole, when all of its hours are rolled up and no hold of it is left: without a
hold nothing can be settled any more, so no record of that month can come late.
"""

import logging
from datetime import UTC, datetime, timedelta

from django.db import OperationalError, connection, transaction
from django.utils import timezone

from billing.models import Hold, HoldState
from usage import roll_up
from usage.models import DirtyHour, RecordRetention

logger = logging.getLogger(__name__)

_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '2s'"
# Not beside the creation of a partition.
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('usage-partitions'))"
_MONTHS = """
SELECT relid::regclass::text FROM pg_partition_tree('usage_requestrecord')
WHERE isleaf AND relid::regclass::text ~ '^usage_requestrecord_[0-9]{4}_[0-9]{2}$' ORDER BY 1
"""
# A hold is closed some time after its call was accepted.
_LONGEST_CALL = timedelta(days=1)


def drop_old_months(*, kept: timedelta) -> list[str]:
    """Drop the months that ended longer ago than `kept`, the oldest first; return their tables.

    It stops at one that cannot be dropped yet. Repeating it changes nothing.
    """
    dropped = []
    with connection.cursor() as cursor:
        cursor.execute(_MONTHS)
        tables = [row[0] for row in cursor.fetchall()]
    for table in tables:
        until = _end_of(table)
        if until > timezone.now() - kept or not _drop(table, until):
            break
        dropped.append(table)
    if dropped:
        _forget_sessions(before=_end_of(dropped[-1]))
    return dropped


def _forget_sessions(*, before: datetime) -> None:
    """Delete the sums of sessions of dropped months: their calls then count as those without."""
    with connection.cursor() as cursor:
        for table in ("usage_session_quarter", "usage_session_day"):
            cursor.execute(f"DELETE FROM {table} WHERE bucket < %s", [before])  # noqa: S608


@transaction.atomic(durable=True)
def _drop(table: str, until: datetime) -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute(_LOCK_TIMEOUT)
            cursor.execute(_LOCK)
            cursor.execute(roll_up.LOCK)
            if reason := _reason_to_wait(until):
                logger.info("%s is kept: %s", table, reason)
                return False
            RecordRetention.objects.update_or_create(id=1, defaults={"kept_since": until})
            cursor.execute(f"DROP TABLE {table}")
    except OperationalError as error:
        transaction.set_rollback(True)
        logger.warning("%s is kept: %s", table, error)
        return False
    logger.info("%s is dropped", table)
    return True


def _reason_to_wait(until: datetime) -> str:
    if DirtyHour.objects.filter(starts_at__lt=until).exists():
        return "not all of it is rolled up"
    holds = Hold.objects.filter(closed_at__lt=until + _LONGEST_CALL)
    if holds.exists() or Hold.objects.filter(state=HoldState.HELD, accepted_at__lt=until).exists():
        return "some of its holds are kept"
    return ""


def _end_of(table: str) -> datetime:
    year, month = map(int, table.removeprefix("usage_requestrecord_").split("_"))
    return datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
