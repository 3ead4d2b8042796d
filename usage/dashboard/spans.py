"""The time that the dashboard shows, in the viewer's time zone, and the time before it. Pure.

Days are those of the zone: they have 23 to 25 hours where clocks change. The time before lies whole
weeks back, so that weekdays match, and far enough for the two never to overlap.
"""

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import NamedTuple

from usage.reading import Width
from web.filter_values import midnight

CUSTOM = "custom"
MOST_BUCKETS = 200
_WEEK_DAYS = 7
_LONGEST_DAYS = 5 * 366
_LONGEST_BY_DAY = timedelta(days=92)  # a quarter of a year: of more days, bars are threads
_LONGEST_BY_WEEK = timedelta(days=366)
_LENGTHS = {
    Width.QUARTER: timedelta(minutes=15),
    Width.HOUR: timedelta(hours=1),
    Width.DAY: timedelta(days=1),
    Width.WEEK: timedelta(weeks=1),
    Width.MONTH: timedelta(days=30),
}


class Preset(NamedTuple):
    """A span of time that the page offers; `name` is its value in the address."""

    name: str
    label: str
    in_words: str


PRESETS = (
    Preset("24h", "24 h", "in these 24 hours"),
    Preset("7d", "7 d", "in these 7 days"),
    Preset("30d", "30 d", "in these 30 days"),
    Preset("month", "Month", "this month"),
)


class Span(NamedTuple):
    """From `since` up to, and not at, `until`; both are moments of UTC.

    `ends_now`: calls are still added to it.
    """

    name: str
    since: datetime
    until: datetime
    zone: tzinfo
    ends_now: bool

    @property
    def widths(self) -> list[Width]:
        """The lengths of buckets that make between 2 and MOST_BUCKETS of it, shortest first."""
        length = self.until - self.since
        return [width for width, one in _LENGTHS.items() if 1 < length / one <= MOST_BUCKETS] or [
            Width.QUARTER
        ]

    @property
    def usual_width(self) -> Width:
        """Hours for up to two days, days for a quarter of a year, weeks for a year, else months."""
        length = self.until - self.since
        if length <= timedelta(days=2):
            usual = Width.HOUR
        elif length <= _LONGEST_BY_DAY:
            usual = Width.DAY
        elif length <= _LONGEST_BY_WEEK:
            usual = Width.WEEK
        else:
            usual = Width.MONTH
        return usual if usual in self.widths else self.widths[-1]

    @property
    def before(self) -> "Span":
        """The span of the same length, the fewest whole weeks back that do not overlap it."""
        days = (self.until - self.since) / timedelta(days=1)
        back = timedelta(days=_WEEK_DAYS * max(1, -(-days // _WEEK_DAYS)))
        since, until = (self._moved(one, back) for one in (self.since, self.until))
        return self._replace(since=since, until=until, ends_now=False)

    def _moved(self, moment: datetime, back: timedelta) -> datetime:
        """Return the moment whole days back, at the same time by the clock on the wall."""
        return _moment(moment.astimezone(self.zone).replace(tzinfo=None) - back, self.zone)


def preset(name: str, *, now: datetime, zone: tzinfo) -> Span:
    """Return the preset of this name that ends now; that of 30 days for an unknown name."""
    today = now.astimezone(zone).date()
    match name:
        case "24h":
            hour = now - timedelta(hours=23)
            local = hour.astimezone(zone).replace(minute=0, second=0, microsecond=0)
            since = local.astimezone(UTC)
        case "7d":
            since = midnight(today - timedelta(days=6), zone)
        case "month":
            since = midnight(today.replace(day=1), zone)
        case _:
            name, since = "30d", midnight(today - timedelta(days=29), zone)
    return Span(name, since, now, zone, ends_now=True)


def custom(first: date, last: date, *, now: datetime, zone: tzinfo) -> Span | None:
    """Return the days from `first` to `last`; None if there are none up to now, or too many."""
    if not timedelta() <= last - first <= timedelta(days=_LONGEST_DAYS):
        return None
    since, until = midnight(first, zone), midnight(last + timedelta(days=1), zone)
    if since >= now:
        return None
    return Span(CUSTOM, since, min(until, now), zone, ends_now=until > now)


def _moment(local: datetime, zone: tzinfo) -> datetime:
    return local.replace(tzinfo=zone).astimezone(UTC)
