"""Create the request records' monthly partitions ahead of time."""

import logging

from django.db import OperationalError, connection, transaction

logger = logging.getLogger(__name__)

MONTHS_AHEAD = 2
# A month that began without its partition has its records in the default one; they are moved.
# Settlements wait meanwhile, and the gateway gives a batch five seconds.
_STATEMENT_TIMEOUT = "SET LOCAL statement_timeout = '3s'"
_ENSURE = "SELECT usage_ensure_partition(now() + make_interval(months => %s))"


def ensure() -> int:
    """Create the partitions of this month and the next two; return how many were created.

    A month with too many records in the default partition to move in time is left as it is, with a
    warning in the log: its records are complete there, and new ones are still accepted.
    """
    return sum(map(_ensure, range(MONTHS_AHEAD + 1)))


def _ensure(months_ahead: int) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_STATEMENT_TIMEOUT)
            cursor.execute(_ENSURE, [months_ahead])
            return bool(cursor.fetchone()[0])
    except OperationalError as error:
        logger.warning("no partition for the records %d months ahead: %s", months_ahead, error)
        return False
