"""Moments, time zones and buckets for tests that add usage up by themselves."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from usage.reading import Width

# Clocks change in this time in Europe (25 October), New York (1 November) and Lord Howe.
BEGIN = datetime(2026, 10, 1, tzinfo=UTC)
LENGTH_S = 40 * 86_400
ZONES = (
    *("UTC", "Asia/Kathmandu", "Pacific/Chatham", "America/New_York", "Europe/Berlin"),
    *("Australia/Lord_Howe", "Pacific/Kiritimati", "America/Santiago", "Asia/Kolkata"),
)
CHANGES = (
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 11, 1, 6, tzinfo=UTC),
    datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
)
anywhere = st.integers(0, LENGTH_S * 1_000_000).map(lambda us: BEGIN + timedelta(microseconds=us))
# Around the edges of quarter hours, hours and days of all zones.
at_edges = st.builds(
    lambda quarters, off: BEGIN + quarters * timedelta(minutes=15) + timedelta(microseconds=off),
    st.integers(0, LENGTH_S // 900),
    st.integers(-1, 1),
)
at_changes = st.builds(
    lambda change, minutes: change + timedelta(minutes=minutes),
    st.sampled_from(CHANGES),
    st.integers(-180, 180),
)
moments = st.one_of(anywhere, at_edges, at_changes)


def bucket_of(moment: datetime, width: Width | None, zone: ZoneInfo) -> tuple[Any, ...]:
    """Return what the moments of one bucket have in common."""
    local = moment.astimezone(zone)
    if width is None:
        return ()
    if width is Width.MONTH:
        return (local.year, local.month)
    if width is Width.WEEK:
        return tuple(local.isocalendar()[:2])
    if width is Width.DAY:
        return (local.date(),)
    quarter = local.minute // 15 if width is Width.QUARTER else 0
    # An hour that clocks show twice is two buckets.
    return (local.date(), local.hour, quarter, local.utcoffset())
