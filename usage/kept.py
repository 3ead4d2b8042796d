"""From when on request records are kept; of the time before, only roll-ups are left.

A range that begins or ends before it is exact to the quarter hour.
"""

from datetime import datetime
from typing import Any, NamedTuple

import psycopg

from usage.models import RecordRetention

_SINCE = "SELECT kept_since FROM usage_recordretention"


class Kept(NamedTuple):
    """From when on records are kept; None if none have been dropped."""

    since: datetime | None

    def gone_until(self, begin: datetime) -> datetime | None:
        """Return until when a range that begins then has no records; None if it has all."""
        return self.since if self.since and begin < self.since else None


def read() -> Kept:
    """Read it once for all the questions of a page."""
    return Kept(since())


def since() -> datetime | None:
    """Return the moment; None if no records have been dropped."""
    return RecordRetention.objects.values_list("kept_since", flat=True).first()


async def read_async(connection: "psycopg.AsyncConnection[Any]") -> Kept:
    """Return the same, on a connection of the event loop."""
    row = await (await connection.execute(_SINCE)).fetchone()
    return Kept(row[0] if row else None)
