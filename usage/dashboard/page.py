"""Puts the dashboard's figures into the words and shapes that its templates show."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from html import escape
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from usage.dashboard import plot, spans, words
from usage.dashboard.figures import Figures, Sums, TableRow
from usage.dashboard.plot import HEIGHT, Spark
from usage.dashboard.series import Bucket, GroupValue
from usage.dashboard.wanted import GROUPINGS, Measure, Wanted
from usage.reading import Grouping, Width
from web.filter_values import NO_KEY
from web.templatetags.display import dollars, grouped, percent

_WIDTH_NAMES = {
    Width.QUARTER: "15 min",
    Width.HOUR: "Hour",
    Width.DAY: "Day",
    Width.WEEK: "Week",
    Width.MONTH: "Month",
}
# Where less is better; of other figures nobody can say.
_BETTER_IF_LESS = {Measure.ERRORS, Measure.LATENCY}
_UNKNOWN = "\N{EN DASH}"
_SMALLEST_STEP = 100  # credits: $0.001


class Choice(NamedTuple):
    """A link that changes one thing about the page."""

    name: str
    label: str
    query: str
    is_current: bool


class Change(NamedTuple):
    """A figure beside the span before: 10.3%, up; `verdict` is good, bad or nothing."""

    words: str
    direction: str
    verdict: str


class Tile(NamedTuple):
    """A figure of the span, which is also a tab of the chart."""

    choice: Choice
    value: str
    note: str
    change: Change | None
    spark: Spark | None


class Entry(NamedTuple):
    """A group in the read-out: its colour by rank, its figure and its share."""

    rank: int
    name: str
    value: str
    share: str


class BucketRow(NamedTuple):
    """A bucket as a row of the table below the chart, which the read-out is filled from."""

    place: int
    time: str
    words: str
    query: str
    amounts: Sequence[str]
    shares: Sequence[str]
    total: str
    dollars: str
    before: str
    before_time: str
    change: str
    requests: str
    errors: str
    cached: str
    p50: str
    p95: str


class GroupRow(NamedTuple):
    """A row of the table by key, model, source or tag."""

    name: str
    query: str
    row: TableRow
    cached: str
    parts: Sequence[tuple[int, float, float]]


def tiles(wanted: Wanted, figures: Figures) -> list[Tile]:
    """Return the tiles in order; the first is the page's answer."""
    sums, before, rows = figures.sums, figures.sums_before, figures.rows
    by_start = {row.starts_at: row for row in rows}
    row_of = [by_start.get(bucket.starts_at) for bucket in figures.shown.buckets]
    times = [one.p50 if one else 0 for one in figures.times]

    def line(name: str) -> Spark | None:
        return plot.spark([getattr(row, name) if row else 0 for row in row_of])

    tokens = [row.all_input_tokens + row.output_tokens if row else 0 for row in row_of]
    duration = sums.duration
    p50 = f"{duration.p50 / 1000:.2f} s" if duration else _UNKNOWN
    p95 = f"p95 {duration.p95 / 1000:.2f} s" if duration else ""
    credits, requests = line("credits"), line("requests")
    cost, compact = dollars(sums.credits), _compact(sums.tokens)
    shown = [
        (Measure.CREDITS, "Credits spent", grouped(sums.credits), cost, credits),
        (Measure.REQUESTS, "Requests", grouped(sums.requests), "", requests),
        (Measure.TOKENS, "Tokens", compact, "", plot.spark(tokens)),
        (Measure.ERRORS, "Errors", percent(sums.error_share), grouped(sums.errors), line("errors")),
        (Measure.LATENCY, "Latency p50", p50, p95, plot.spark(times)),
    ]
    return [
        Tile(
            Choice(
                measure.value,
                label,
                wanted.address(show=measure.value, width=""),
                measure is wanted.measure,
            ),
            value,
            note,
            _change(measure, _figure(measure, sums), _figure(measure, before)) if before else None,
            spark,
        )
        for measure, label, value, note, spark in shown
    ]


def _figure(measure: Measure, sums: Sums) -> float:
    """Return the figure of a tile as a number, which is compared with that of the span before."""
    match measure:
        case Measure.ERRORS:
            return sums.error_share
        case Measure.LATENCY:
            return sums.duration.p50 if sums.duration else 0
        case _:
            return int(getattr(sums, measure.value))


def _change(measure: Measure, now: float, then: float) -> Change | None:
    if not then:
        return None
    share = (now - then) / then
    direction = "up" if share > 0 else "down" if share < 0 else "same"
    verdict = ""
    if measure in _BETTER_IF_LESS and share:
        verdict = "bad" if share > 0 else "good"
    return Change(f"{abs(share):.1%}", direction, verdict)


def choices(wanted: Wanted) -> dict[str, list[Choice]]:
    """Return the links of the page's head: spans, widths, groupings, tables."""
    span = wanted.span
    return {
        "presets": [
            Choice(
                one.name,
                one.label,
                wanted.address(**{"range": one.name, "from": "", "to": "", "width": ""}),
                one.name == span.name,
            )
            for one in spans.PRESETS
        ],
        "widths": [
            Choice(
                one.value, _WIDTH_NAMES[one], wanted.address(width=one.value), one is wanted.width
            )
            for one in span.widths
        ],
        "tables": [
            Choice(
                one.value,
                words.GROUPS[one].capitalize(),
                wanted.address(table=one.value),
                one is wanted.table_grouping,
            )
            for one in GROUPINGS
        ],
    }


def legend(wanted: Wanted, figures: Figures, key_names: Mapping[int, str]) -> list[Entry]:
    """Return the groups of the chart, in order of the stack's top: the last is its base."""
    shown = figures.shown
    if wanted.measure is Measure.LATENCY:
        return []
    whole = sum(bucket.total for bucket in shown.buckets)
    if not whole:
        return []
    entries = [
        Entry(
            rank,
            words.group(wanted.grouping, value, key_names),
            grouped(total),
            _share(total, whole),
        )
        for rank, (value, total) in enumerate(zip(shown.groups, shown.totals, strict=True), start=1)
    ]
    return entries[::-1]


def bucket_rows(wanted: Wanted, figures: Figures) -> list[BucketRow]:
    """Return a row for each bucket, oldest first."""
    back = wanted.span.since - wanted.span.before.since
    return [
        _bucket_row(wanted, figures, place, bucket, back)
        for place, bucket in enumerate(figures.shown.buckets)
    ]


def _bucket_row(
    wanted: Wanted, figures: Figures, place: int, bucket: Bucket, back: timedelta
) -> BucketRow:
    """Return one; the span that it may be compared with lies `back` before."""
    zone, width, row = wanted.span.zone, wanted.width, bucket.row
    time = figures.times[place]
    since = max(bucket.starts_at, wanted.span.since)  # a range may begin within a week or a month
    before_at = bucket.starts_at - back
    cached = (
        row.cache_read_input_tokens / row.all_input_tokens if row and row.all_input_tokens else None
    )
    return BucketRow(
        place,
        words.short_bucket(bucket.starts_at, width, zone),
        words.bucket(since, bucket.ends_at, width, zone),
        log_query(wanted, since, bucket.ends_at),
        [grouped(one) for one in reversed(bucket.amounts)],
        [_share(one, bucket.total) for one in reversed(bucket.amounts)],
        grouped(bucket.total),
        dollars(bucket.total) if wanted.measure is Measure.CREDITS else "",
        "" if bucket.before is None else grouped(bucket.before),
        "" if bucket.before is None else words.short_bucket(before_at, width, zone),
        _signed_change(bucket),
        grouped(row.requests if row else 0),
        grouped(row.errors if row else 0),
        _UNKNOWN if cached is None else percent(cached),
        f"{time.p50 / 1000:.2f} s" if time else _UNKNOWN,
        f"{time.p95 / 1000:.2f} s" if time else _UNKNOWN,
    )


def log_query(wanted: Wanted, since: datetime, until: datetime) -> str:
    """Return the query of the log of these calls, in whole minutes: a bar leads to its calls."""
    until += timedelta(minutes=1) - timedelta(microseconds=1)
    moments = f"from={_minute(since)}&to={_minute(until)}"
    status = {"status": "error"} if wanted.measure is Measure.ERRORS else {}
    narrowed = wanted.filters | status
    # urlencode takes long for what needs no quotes, and there may be 200 buckets.
    return f"{moments}&{urlencode(narrowed)}" if narrowed else moments


def _minute(moment: datetime) -> str:
    """Write 2026-11-18T14%3A00; strftime takes three times as long."""
    return moment.isoformat()[:16].replace(":", "%3A")


def _signed_change(bucket: Bucket) -> str:
    change = _change(Measure.CREDITS, bucket.total, bucket.before or 0)
    arrows = {"up": "+", "down": "\N{MINUS SIGN}", "same": ""}
    return f"{arrows[change.direction]}{change.words}" if change else ""


def group_rows(wanted: Wanted, figures: Figures, key_names: Mapping[int, str]) -> list[GroupRow]:
    """Return the rows of the table by group, with a bar of its models on one scale."""
    largest = max([1, *(row.credits for row in figures.table)])
    rank_of = {model: min(rank, 8) for rank, model in enumerate(figures.models, start=1)}
    found = []
    for row in figures.table:
        at, parts = 0.0, []
        for model, credits in row.by_model:
            width = 100 * credits / largest
            parts.append((rank_of.get(model, 8), round(at, 2), round(width, 2)))
            at += width
        name = words.group(wanted.table_grouping, row.value, key_names)
        cached = percent(row.cached / row.input_tokens) if row.input_tokens else _UNKNOWN
        found.append(GroupRow(name, _narrowed(wanted, row.value), row, cached, parts))
    return found


def _narrowed(wanted: Wanted, value: GroupValue) -> str:
    """Return the query of the page for this group alone; nothing for a group without a name."""
    match wanted.table_grouping:
        case Grouping.KEY:
            return wanted.address(key=NO_KEY if value is None else str(value))
        case Grouping.MODEL | Grouping.SOURCE | Grouping.TAG as grouping if value:
            return wanted.address(**{grouping.value: str(value)})
    return ""


def charts(wanted: Wanted, figures: Figures, rows: Sequence[BucketRow]) -> dict[str, Any]:
    """Return the shapes of the chart and of the lines below it; `rows` are those of its table."""
    shown, span = figures.shown, wanted.span
    is_latency = wanted.measure is Measure.LATENCY
    bars = plot.bar_plot(shown, wanted.width, span.zone, ends_now=span.ends_now)
    lines = plot.line_plot(figures.times, height=HEIGHT if is_latency else plot.LATENCY_HEIGHT)
    log = reverse("usage:requests")
    return {
        "bars": bars,
        "lines": lines,
        "axis": [(line.y, words.on_axis(line.value)) for line in bars.gridlines],
        "dollar_axis": _dollar_axis(bars) if wanted.measure is Measure.CREDITS else [],
        "seconds_axis": [(line.y, words.seconds_on_axis(line.value)) for line in lines.gridlines]
        if lines.p50
        else [],
        "highest": grouped(shown.buckets[bars.highest.place].total) if bars.highest else "",
        "steps": _steps(log, bars.bars, rows),
        "log": log,
    }


def _dollar_axis(bars: plot.BarPlot) -> list[tuple[float, str]]:
    """Return the words of the axis; none for so few credits that they have no room."""
    step = bars.gridlines[1].value
    if step < _SMALLEST_STEP:
        return []
    return [(line.y, words.dollars_on_axis(line.value, step)) for line in bars.gridlines]


def _steps(log: str, bars: Sequence[plot.Bar], rows: Sequence[BucketRow]) -> SafeString:
    """Return the links of the times, which both plots have; as a template they take five times as
    long, and there may be 200."""
    links = (
        f'<a href="{log}?{escape(rows[bar.place].query)}" tabindex="-1" data-place="{bar.place}">'
        f'<rect class="chart-step" x="{bar.step_x}%" width="{bar.step_width}%" y="0"'
        ' height="100%" /></a>'
        for bar in bars
    )
    return mark_safe("".join(links))  # noqa: S308 (the rest are numbers, and our own address)


def _compact(value: int) -> str:
    """Write 24,512,004 as 24.5 M, and what has less than six digits in full."""
    for size, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (100_000, "k")):
        if value >= size:
            unit_size = 1_000 if unit == "k" else size
            return f"{value / unit_size:.1f} {unit}"
    return grouped(value)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else _UNKNOWN
