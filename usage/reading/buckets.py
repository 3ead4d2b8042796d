"""The edges of buckets in a time zone, as moments of UTC. Pure."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache

from usage.reading.question import Width

QUARTER = timedelta(minutes=15)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LENGTHS = {Width.QUARTER: QUARTER, Width.HOUR: timedelta(hours=1)}


def floor(moment: datetime, length: timedelta) -> datetime:
    """Return the last multiple of `length`, counted from the epoch, up to the moment."""
    return moment - (moment - _EPOCH) % length


def ceiling(moment: datetime, length: timedelta) -> datetime:
    """Return the first multiple of `length` from the moment on."""
    return moment + (_EPOCH - moment) % length


def edges(since: datetime, until: datetime, width: Width | None, zone: tzinfo) -> list[datetime]:
    """Return `since`, the starts of the buckets after it, and `until`.

    A day has 23 to 25 hours where clocks change. Starts are rounded down to quarter hours: before
    1972 some zones differed from UTC by seconds.
    """
    return list(_edges(since, until, width, zone))


@lru_cache(maxsize=64)  # a page asks for those of its range and of the one before several times
def _edges(
    since: datetime, until: datetime, width: Width | None, zone: tzinfo
) -> tuple[datetime, ...]:
    inner = [one for one in _starts(since, until, width, zone) if since < one < until]
    return (since, *sorted(set(inner)), until)


def first_start(since: datetime, width: Width | None, zone: tzinfo) -> datetime:
    """Return the start of the bucket that `since` is in, which may be earlier."""
    if width is None:
        return since
    if width in _LENGTHS:
        return _local_floor(since, _LENGTHS[width], zone)
    return _midnight(_first_day(since.astimezone(zone).date(), width), zone)


def next_start(start: datetime, until: datetime, width: Width | None, zone: tzinfo) -> datetime:
    """Return the end of the bucket that begins at `start`; without a width, `until`."""
    if width is None:
        return until
    beyond = start + timedelta(days=32)
    return next(one for one in _starts(start, beyond, width, zone) if one > start)


def _starts(
    since: datetime, until: datetime, width: Width | None, zone: tzinfo
) -> Iterator[datetime]:
    if width is None:
        return
    if width in _LENGTHS:
        yield from _short_starts(since, until, _LENGTHS[width], zone)
        return
    day, last = _first_day(since.astimezone(zone).date(), width), until.astimezone(zone).date()
    while day <= last:
        yield _midnight(day, zone)
        day = _next_day[width](day)


def _short_starts(
    since: datetime, until: datetime, length: timedelta, zone: tzinfo
) -> Iterator[datetime]:
    moment = since
    while moment < until:
        moment = _local_floor(moment + length, length, zone)
        yield moment


def _local_floor(moment: datetime, length: timedelta, zone: tzinfo) -> datetime:
    offset = _offset(moment, zone)
    start = floor(floor(moment + offset, length) - offset, QUARTER)
    # Where clocks change by half an hour, a bucket begins at the change.
    while start < moment and _offset(start, zone) != offset:
        start += QUARTER
    return start


def _offset(moment: datetime, zone: tzinfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def _midnight(day: date, zone: tzinfo) -> datetime:
    """Return the first moment of a day, also where clocks skip midnight."""
    local = datetime(day.year, day.month, day.day, tzinfo=zone)
    return floor(local.astimezone(UTC), QUARTER)


def _first_day(day: date, width: Width) -> date:
    """Return the first day of the bucket that a day is in."""
    if width is Width.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if width is Width.MONTH else day


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)


_next_day: dict[Width, Callable[[date], date]] = {
    Width.DAY: lambda day: day + timedelta(days=1),
    Width.WEEK: lambda day: day + timedelta(weeks=1),
    Width.MONTH: _next_month,
}
