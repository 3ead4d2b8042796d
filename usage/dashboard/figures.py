"""Reads everything that the dashboard shows of a workspace."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from catalogue.models import ModelPrice
from catalogue.pricing import Price
from usage.dashboard import caching, forecast, series, spans
from usage.dashboard.caching import Caching
from usage.dashboard.forecast import Forecast
from usage.dashboard.series import Answers, Series
from usage.dashboard.spans import Span
from usage.dashboard.wanted import Wanted
from usage.reading import (
    Grouping,
    Latency,
    Percentiles,
    Question,
    UsageRow,
    Width,
    buckets,
    latencies,
    usage,
)


class Sums(NamedTuple):
    """The sums of a whole span."""

    requests: int = 0
    errors: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    credits: int = 0
    duration: Percentiles | None = None

    @property
    def tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens

    @property
    def error_share(self) -> float:
        """The share of calls that ended with an error."""
        return self.errors / self.requests if self.requests else 0.0


class TableRow(NamedTuple):
    """The sums of one group, and its credits by model, largest first."""

    value: series.GroupValue
    requests: int
    errors: int
    input_tokens: int
    output_tokens: int
    cached: int
    credits: int
    by_model: tuple[tuple[str, int], ...]


class Figures(NamedTuple):
    """All figures of a span."""

    sums: Sums
    sums_before: Sums | None
    shown: Series
    rows: Sequence[UsageRow]
    times: Sequence[Percentiles | None]
    caching: Caching
    table: Sequence[TableRow]
    models: Sequence[str]


def read(workspace_id: int, wanted: Wanted) -> Figures:
    """Read the figures; each is exact to the second."""
    span, before = wanted.span, wanted.before
    asked = _question(workspace_id, wanted, span)
    rows = usage(asked)
    times = [] if "tag" in wanted.filters else latencies(asked)
    rows_before = usage(_question(workspace_id, wanted, before)) if before else []
    grouping = wanted.grouping
    answers = Answers(
        rows,
        usage(_question(workspace_id, wanted, span, grouping)) if grouping else [],
        times,
        rows_before,
    )
    starts = _starts(span, wanted.width)
    shown = series.series(
        wanted.measure, answers, starts, _starts(before, wanted.width) if before else None
    )
    by_model = _by_model(workspace_id, wanted)
    return Figures(
        sums=_sums(rows, _whole_latency(workspace_id, wanted, span)),
        sums_before=_sums(rows_before, _whole_latency(workspace_id, wanted, before))
        if before
        else None,
        shown=shown,
        rows=rows,
        times=_by_bucket(times, starts),
        caching=caching.caching(by_model or rows, _prices() if by_model else {}),
        table=_table(workspace_id, wanted),
        models=_largest_models(by_model),
    )


def chart_question(workspace_id: int, wanted: Wanted) -> Question:
    """Return the question whose answer the chart's bars are, for those who take the sums away."""
    groups = [wanted.grouping] if wanted.grouping else []
    return _question(workspace_id, wanted, wanted.span, *groups)


def read_forecast(
    workspace_id: int, *, available: int, line: int | None, now: datetime, wanted: Wanted
) -> Forecast:
    """Read what the last full days cost, whatever the filters, and look ahead."""
    zone = wanted.span.zone
    today = now.astimezone(zone).date()
    since = spans.midnight(today - timedelta(days=forecast.FULL_DAYS), zone)
    until = spans.midnight(today, zone)
    days = Question(workspace_id=workspace_id, since=since, until=until, width=Width.DAY, zone=zone)
    spent = {row.starts_at: row.credits for row in usage(days)}
    starts = buckets.edges(since, until, Width.DAY, zone)[:-1]
    return forecast.forecast(
        [spent.get(start, 0) for start in starts], available=available, line=line, today=today
    )


def _question(
    workspace_id: int, wanted: Wanted, span: Span, *groups: Grouping, whole: bool = False
) -> Question:
    return Question(
        workspace_id=workspace_id,
        since=span.since,
        until=span.until,
        width=None if whole else wanted.width,
        zone=span.zone,
        group_by=groups,
        filters=wanted.reading_filters,
    )


def _starts(span: Span, width: Width) -> list[datetime]:
    """Return the starts of the span's buckets, and its end."""
    first, *others = buckets.edges(span.since, span.until, width, span.zone)
    return [buckets.first_start(first, width, span.zone), *others]


def _sums(rows: Sequence[UsageRow], duration: Percentiles | None) -> Sums:
    return Sums(
        requests=sum(row.requests for row in rows),
        errors=sum(row.errors for row in rows),
        input_tokens=sum(row.all_input_tokens for row in rows),
        output_tokens=sum(row.output_tokens for row in rows),
        credits=sum(row.credits for row in rows),
        duration=duration,
    )


def _whole_latency(workspace_id: int, wanted: Wanted, span: Span) -> Percentiles | None:
    if "tag" in wanted.filters:
        return None
    found = latencies(_question(workspace_id, wanted, span, whole=True))
    return found[0].duration if found else None


def _by_bucket(times: Sequence[Latency], starts: Sequence[datetime]) -> list[Percentiles | None]:
    found = {one.starts_at: one.duration for one in times}
    return [found.get(start) for start in starts[:-1]]


def _by_model(workspace_id: int, wanted: Wanted) -> list[UsageRow]:
    """Return the sums by day and model; none for a tag, whose sums know no models."""
    if "tag" in wanted.filters:
        return []
    asked = _question(workspace_id, wanted, wanted.span, Grouping.MODEL, whole=True)
    return usage(asked)


def _prices() -> dict[str, list[tuple[datetime, Price]]]:
    found: dict[str, list[tuple[datetime, Price]]] = defaultdict(list)
    for row in ModelPrice.objects.select_related("model").order_by("model", "in_force_from"):
        found[row.model.public_id].append((row.in_force_from, row.price))
    return found


def _largest_models(rows: Sequence[UsageRow]) -> list[str]:
    ranked = sorted(rows, key=lambda row: (-row.credits, str(row.group[0])))
    return [str(row.group[0]) for row in ranked if row.group[0]]


def _table(workspace_id: int, wanted: Wanted) -> list[TableRow]:
    grouping = wanted.table_grouping
    if grouping is None:
        return []
    groups = (
        (grouping,) if grouping in (Grouping.MODEL, Grouping.TAG) else (grouping, Grouping.MODEL)
    )
    rows = usage(_question(workspace_id, wanted, wanted.span, *groups, whole=True))
    of_value: defaultdict[series.GroupValue, list[UsageRow]] = defaultdict(list)
    for row in rows:
        of_value[row.group[0]].append(row)
    found = [_table_row(value, some) for value, some in of_value.items()]
    return sorted(found, key=lambda row: (-row.credits, -row.requests, str(row.value)))


def _table_row(value: series.GroupValue, rows: Sequence[UsageRow]) -> TableRow:
    by_model = [(str(row.group[-1]), row.credits) for row in rows if row.credits]
    return TableRow(
        value,
        requests=sum(row.requests for row in rows),
        errors=sum(row.errors for row in rows),
        input_tokens=sum(row.all_input_tokens for row in rows),
        output_tokens=sum(row.output_tokens for row in rows),
        cached=sum(row.cache_read_input_tokens for row in rows),
        credits=sum(row.credits for row in rows),
        by_model=tuple(sorted(by_model, key=lambda one: -one[1])),
    )
