"""The time ranges that the dashboard offers, and the period that each covers."""

from datetime import datetime, timedelta
from typing import NamedTuple


class Period(NamedTuple):
    """A workspace's calls from `since` up to, and not at, `until`."""

    workspace_id: int
    since: datetime
    until: datetime


class TimeRange(NamedTuple):
    """A length of time up to now; `name` is its value in the address."""

    name: str
    label: str
    length: timedelta

    def period(self, *, workspace_id: int, until: datetime) -> Period:
        """Return the period of this length that ends at `until`."""
        return Period(workspace_id, until - self.length, until)


TIME_RANGES = (
    TimeRange("24h", "24 hours", timedelta(hours=24)),
    TimeRange("7d", "7 days", timedelta(days=7)),
    TimeRange("30d", "30 days", timedelta(days=30)),
)


def by_name(name: str) -> TimeRange:
    """Return the range called `name`; the shortest for an unknown name."""
    return next((one for one in TIME_RANGES if one.name == name), TIME_RANGES[0])
