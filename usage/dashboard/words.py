"""How the dashboard writes groups, spans of time and amounts."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta, tzinfo

from billing.models import UsageDifference
from usage.dashboard import series
from usage.dashboard.series import GroupValue
from usage.dashboard.wanted import Measure
from usage.reading import Grouping, Width
from web.templatetags.display import dollars, grouped

HEADINGS = {
    Measure.CREDITS: "Credits",
    Measure.REQUESTS: "Requests",
    Measure.TOKENS: "Tokens",
    Measure.ERRORS: "Errors",
    Measure.LATENCY: "Latency",
}
PER = {
    Width.QUARTER: "15 minutes",
    Width.HOUR: "hour",
    Width.DAY: "day",
    Width.WEEK: "week",
    Width.MONTH: "month",
}
GROUPS = {
    Grouping.MODEL: "model",
    Grouping.KEY: "key",
    Grouping.SOURCE: "source",
    Grouping.TAG: "tag",
    Grouping.ERROR: "error",
}
_CENTS, _PLACES_OF_A_CREDIT = 2, 5  # decimal places of dollars
# strftime takes ten times as long as these, and there may be 200 buckets.
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August"),
    *("September", "October", "November", "December"),
)
_SOURCES = {"api": "API", "console": "Console"}


def group(grouping: Grouping | None, value: GroupValue, key_names: Mapping[int, str]) -> str:
    """Return the name of a group."""
    if value == series.OTHER:
        return "other"
    match grouping:
        case None:
            return "all calls"
        case Grouping.KEY:
            if value is None:
                return "Console"
            return key_names.get(int(value), f"deleted key {value}")
        case Grouping.SOURCE:
            return _SOURCES.get(str(value), str(value))
        case Grouping.TAG:
            return "without a tag" if value is None else str(value) or "other tags"
        case Grouping.ERROR:
            return str(value) if value else "error"
        case _:
            return str(value) if value else "no model"


def filters(values: Mapping[str, str], key_names: Mapping[int, str]) -> list[tuple[str, str]]:
    """Return the filters that are set, each with its name: key, prod-web."""
    found = []
    for name, value in values.items():
        grouping = Grouping(name)
        is_key = grouping is Grouping.KEY
        value_of = (int(value) if value.isdecimal() else None) if is_key else value
        found.append((GROUPS[grouping], group(grouping, value_of, key_names)))
    return found


def bucket(starts_at: datetime, ends_at: datetime, width: Width, zone: tzinfo) -> str:
    """Return a bucket's time: Wednesday, 18 November; 18 Nov, 14:00 to 15:00.

    A week at the end of a range has only its days in the range: 18 November to 20 November 2026.
    """
    start = starts_at.astimezone(zone)
    if width is Width.DAY:
        return f"{_WEEKDAYS[start.weekday()]}, {start.day} {_MONTHS[start.month - 1]}"
    if width is Width.MONTH:
        return f"{start:%B %Y}"
    if width is Width.WEEK:
        return days(starts_at, ends_at, zone)
    return f"{short_bucket(starts_at, width, zone)} to {_minute(ends_at.astimezone(zone))}"


def short_bucket(starts_at: datetime, width: Width, zone: tzinfo) -> str:
    """Return a bucket's time for a row of a table: Wed, 18 Nov; week of 16 Nov; 18 Nov, 14:00."""
    start = starts_at.astimezone(zone)
    month = _MONTHS[start.month - 1][:3]
    if width is Width.DAY:
        return f"{_WEEKDAYS[start.weekday()][:3]}, {start.day} {month}"
    if width is Width.MONTH:
        return f"{month} {start.year}"
    if width is Width.WEEK:
        return f"Week of {start.day} {month} {start.year}"
    return f"{start.day} {month}, {_minute(start)}"


def _minute(moment: datetime) -> str:
    return f"{moment.hour:02}:{moment.minute:02}"


def days(since: datetime, until: datetime, zone: tzinfo) -> str:
    """Return a span of time: 31 October to 29 November."""
    first = since.astimezone(zone)
    last = until.astimezone(zone) - timedelta(microseconds=1)
    if first.date() == last.date():
        return f"{first.day} {first:%B %Y}"
    year = f" {first:%Y}" if first.year != last.year else ""
    return f"{first.day} {first:%B}{year} to {last.day} {last:%B %Y}"


def short_days(since: datetime, until: datetime, zone: tzinfo) -> str:
    """Return a span of time for a narrow place: 27 Sep to 26 Oct."""
    first = since.astimezone(zone)
    last = until.astimezone(zone) - timedelta(microseconds=1)
    if first.date() == last.date():
        return f"{first.day} {first:%b}"
    return f"{first.day} {first:%b} to {last.day} {last:%b}"


def time_span(since: datetime, until: datetime, zone: tzinfo) -> str:
    """Return a span of hours or days: 31 October 2026, 14:00 to 15:00; 1 November 2026."""
    start, end = since.astimezone(zone), until.astimezone(zone)
    if start.time() == end.time() == time():
        return days(since, until, zone)
    first = f"{start.day} {start:%B %Y}, {start:%H:%M}"
    if start.date() == end.date():
        return f"{first} to {end:%H:%M}"
    return f"{first} to {end.day} {end:%B %Y}, {end:%H:%M}"


def off(differences: Sequence[UsageDifference]) -> str:
    """Return by how much sums are wrong: show 120 credits ($0.00120) too many.

    Of figures that are all wrong in one direction the direction is named.
    """
    for name in ("credits", "requests", "errors", "tokens"):
        amounts = [amount for one in differences if (amount := getattr(one, name))]
        if amounts:
            break
    size = sum(abs(amount) for amount in amounts)
    named = f"{grouped(size)} {name if size != 1 else name.removesuffix('s')}"
    if name == "credits":
        named = f"{named} ({dollars(size)})"
    if min(amounts) < 0 < max(amounts):
        return f"are {named} off"
    return f"show {named} too {'many' if amounts[0] > 0 else 'few'}"


def zone_name(zone: tzinfo, at: datetime) -> str:
    """Return a zone as people read it: Berlin time (UTC+1)."""
    name = str(zone)
    offset = at.astimezone(zone).utcoffset() or timedelta()
    if name == "UTC":
        return "UTC"
    minutes = round(offset / timedelta(minutes=1))
    sign = "-" if minutes < 0 else "+"
    hours, rest = divmod(abs(minutes), 60)
    city = name.rpartition("/")[2].replace("_", " ")
    return f"{city} time (UTC{sign}{hours}{f':{rest:02}' if rest else ''})"


def amount(measure: Measure, value: int) -> str:
    """Return a figure of the chart in full."""
    return f"{value / 1000:.2f} s" if measure is Measure.LATENCY else grouped(value)


def on_axis(value: int) -> str:
    """Return a figure for an axis: 150k, 1.5M."""
    for size, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return str(value)


def dollars_on_axis(value: int, step: int) -> str:
    """Return credits as dollars for an axis: $1.50; $0 at the base.

    All its lines have the places that the step between them needs: $0.005, $0.010, $0.015.
    """
    zeros = len(f"{step}") - len(f"{step}".rstrip("0"))
    return dollars(value, max(_CENTS, _PLACES_OF_A_CREDIT - zeros)) if value else "$0"


def seconds_on_axis(milliseconds: int) -> str:
    """Return milliseconds as seconds for an axis: 4; 0.5."""
    return f"{milliseconds / 1000:g}"
