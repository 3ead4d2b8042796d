"""How fast a workspace spends, and when its credits will be gone. Pure but for one query.

The rate is the mean over the last day, or over the time since the first call of that day if that is
shorter. It is computed for the last full quarter hour, so that it changes four times an hour and an
answer can be compared by its ETag.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from psycopg import AsyncConnection

WINDOW = timedelta(hours=24)
QUARTER = timedelta(minutes=15)
_SHORTEST = timedelta(hours=1)
_MOST_MINUTES = 10 * 365 * 24 * 60  # further ahead a date means nothing
_SPENT = (
    "SELECT coalesce(sum(credits), 0)::bigint, min(bucket) FROM usage_quarter"
    " WHERE workspace_id = %s AND bucket >= %s"
)


class Burn(NamedTuple):
    """Credits spent an hour; `at` is the moment for which they were computed."""

    credits_per_hour: int
    at: datetime

    def runs_dry_at(self, available: int) -> datetime | None:
        """Return when so many credits are spent at this rate; None if that is not in sight."""
        if not self.credits_per_hour:
            return None
        minutes = 60 * max(0, available) // self.credits_per_hour
        return self.at + timedelta(minutes=minutes) if minutes < _MOST_MINUTES else None


async def burn_of(connection: AsyncConnection[Any], *, workspace_id: int, now: datetime) -> Burn:
    """Return a workspace's rate, from the roll-ups: the last minute's calls are not in it yet."""
    at = quarter_of(now)
    row = await (await connection.execute(_SPENT, [workspace_id, at - WINDOW])).fetchone()
    spent, first_at = row or (0, None)
    return burn(spent, first_at, at=at)


def quarter_of(moment: datetime) -> datetime:
    """Return the beginning of the quarter hour, in UTC."""
    minute = moment.minute - moment.minute % 15
    return moment.replace(minute=minute, second=0, microsecond=0)


def burn(spent: int, first_at: datetime | None, *, at: datetime) -> Burn:
    """Return the rate of credits spent in the WINDOW before `at`, since a first bucket of calls.

    It is rounded up, so that a workspace that spends a little is not told that it spends nothing.
    """
    if first_at is None:
        return Burn(0, at)
    hours = max(_SHORTEST, min(WINDOW, at - first_at)) / timedelta(hours=1)
    return Burn(-int(-spent // hours), at)
