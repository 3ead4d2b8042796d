"""Keep the request records' monthly partitions ahead of time."""

import logging

from django.db import OperationalError, connection, transaction

logger = logging.getLogger(__name__)

MONTHS_AHEAD = 2
# Where a month begins without its partition, its records are in the rest's and have to be moved.
# Settlements wait meanwhile: the gateway gives a batch five seconds.
_PATIENCE = "SET LOCAL statement_timeout = '3s'"
_ENSURE = "SELECT usage_ensure_partition(now() + make_interval(months => %s))"


def ensure() -> int:
    """Make the partitions of this month and the next two; return how many were made.

    A month with more records in the rest's partition than can be moved quickly is left as it is,
    and told of in the log: nothing is missing there, and nothing refused.
    """
    return sum(map(_ensure, range(MONTHS_AHEAD + 1)))


def _ensure(months_ahead: int) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_PATIENCE)
            cursor.execute(_ENSURE, [months_ahead])
            return bool(cursor.fetchone()[0])
    except OperationalError as error:
        logger.warning("no partition for the records in %d months: %s", months_ahead, error)
        return False
