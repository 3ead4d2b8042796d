"""Keep the request records' monthly partitions ahead of time."""

from django.db import connection

MONTHS_AHEAD = 2


def ensure() -> int:
    """Make the partitions of this month and the next two; return how many were missing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT usage_ensure_partitions(%s)", [MONTHS_AHEAD])
        return int(cursor.fetchone()[0])
