"""The stretches of time that the dashboard offers."""

from datetime import datetime, timedelta
from typing import NamedTuple


class Period(NamedTuple):
    """A workspace's time from `since` up to, but not at, `until`."""

    workspace_id: int
    since: datetime
    until: datetime


class Range(NamedTuple):
    """A length of time that ends now; `name` is how it stands in the address."""

    name: str
    label: str
    length: timedelta

    def period(self, *, workspace_id: int, until: datetime) -> Period:
        """Return the stretch that ends at `until`."""
        return Period(workspace_id, until - self.length, until)


RANGES = (
    Range("24h", "24 hours", timedelta(hours=24)),
    Range("7d", "7 days", timedelta(days=7)),
    Range("30d", "30 days", timedelta(days=30)),
)


def chosen(name: str) -> Range:
    """Return the range called `name`; the shortest for any other name."""
    return next((one for one in RANGES if one.name == name), RANGES[0])
