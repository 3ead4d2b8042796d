"""Reads everything that the dashboard shows of a workspace."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta, tzinfo
from typing import NamedTuple

from billing.ledger import cuts
from billing.models import Wallet
from catalogue.models import ModelPrice
from catalogue.pricing import Price
from usage.dashboard import caching, forecast, series
from usage.dashboard.caching import Caching
from usage.dashboard.forecast import Forecast
from usage.dashboard.series import Answers, Series
from usage.dashboard.spans import Span
from usage.dashboard.wanted import Wanted
from usage.reading import (
    Grouping,
    Latency,
    Overview,
    Percentiles,
    Question,
    State,
    UsageRow,
    Width,
    buckets,
    overview,
    regrouped,
    state_of,
    usage,
)
from web import filter_values

# Of these each call has one: their groups add up to all calls.
_DIMENSIONS = frozenset({Grouping.MODEL, Grouping.KEY, Grouping.SOURCE})


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


class _Reader(NamedTuple):
    """Asks what the page wants to know; of latencies by tag nothing is known."""

    workspace_id: int
    wanted: Wanted
    state: State

    def usage(self, span: Span, *groups: Grouping, whole: bool = False) -> list[UsageRow]:
        asked = _question(self.workspace_id, self.wanted, span, *groups, whole=whole)
        return usage(asked, self.state)

    def overview(
        self, span: Span, groups: Sequence[Grouping] = (), whole: Sequence[Grouping] = ()
    ) -> Overview:
        asked = _question(self.workspace_id, self.wanted, span, *groups)
        return overview(asked, whole, self.state)

    def chart_and_table(self) -> tuple[Overview, list[UsageRow]]:
        """Return the chart's groups and times by bucket, and the sums of the table's groups, by
        model too where that is known. One statement reads both if it can."""
        span, by, table = self.wanted.span, self.wanted.grouping, self.wanted.table_grouping
        of_table = _groups_of_table(table)
        if by in _DIMENSIONS and table in _DIMENSIONS:
            both = self.overview(span, [by], of_table)
            return both, both.whole
        of_chart = self.overview(span, [by] if by else [])
        if by is table and by is not None:
            of_span = (
                row._replace(starts_at=span.since, ends_at=span.until) for row in of_chart.rows
            )
            return of_chart, regrouped(of_span, 0)
        return of_chart, self.usage(span, *of_table, whole=True) if of_table else []


def read(workspace_id: int, wanted: Wanted, *, state: State | None = None) -> Figures:
    """Read the figures; each is exact to the second."""
    span, before = wanted.span, wanted.before
    reader = _Reader(workspace_id, wanted, state or state_of(workspace_id))
    of_chart, of_table = reader.chart_and_table()
    rows = _ungrouped(reader, of_chart)
    of_before = reader.overview(before) if before else None
    by_group = of_chart.rows if wanted.grouping else []
    answers = Answers(rows, by_group, of_chart.latencies, of_before.rows if of_before else [])
    starts = _starts(span, wanted.width)
    shown = series.series(
        wanted.measure, answers, starts, _starts(before, wanted.width) if before else None
    )
    by_model = _by_model(reader, of_table)
    return Figures(
        sums=_sums(rows, of_chart.duration),
        sums_before=_sums(of_before.rows, of_before.duration) if of_before else None,
        shown=shown,
        rows=rows,
        times=_by_bucket(of_chart.latencies, starts),
        caching=caching.caching(by_model or rows, _prices() if by_model else {}),
        table=_table(of_table),
        models=_largest_models(by_model),
    )


def _ungrouped(reader: _Reader, of_chart: Overview) -> Sequence[UsageRow]:
    """Return the sums of all calls by bucket."""
    grouping = reader.wanted.grouping
    if grouping is None:
        return of_chart.rows
    if grouping in _DIMENSIONS:
        return regrouped(of_chart.rows)
    return reader.usage(reader.wanted.span)


def chart_question(workspace_id: int, wanted: Wanted) -> Question:
    """Return the question whose answer the chart's bars are, for those who take the sums away."""
    groups = [wanted.grouping] if wanted.grouping else []
    return _question(workspace_id, wanted, wanted.span, *groups)


def read_forecast(
    wallet: Wallet, wanted: Wanted, shown: Figures, *, line: int | None, now: datetime, state: State
) -> Forecast:
    """Read what the last full days cost, whatever the page's filters, and look ahead."""
    zone = wanted.span.zone
    today = now.astimezone(zone).date()
    since, *_, until = _last_midnights(today, zone)
    if _has_days(wanted, since, until):
        rows = shown.rows
    else:
        rows = usage(
            Question(
                workspace_id=wallet.workspace_id,
                since=since,
                until=until,
                width=Width.DAY,
                zone=zone,
            ),
            state,
        )
    spent = {row.starts_at: row.credits for row in rows}
    starts = buckets.edges(since, until, Width.DAY, zone)[:-1]
    return forecast.forecast(
        [spent.get(start, 0) for start in starts],
        available=wallet.available,
        line=line,
        today=today,
    )


def _has_days(wanted: Wanted, since: datetime, until: datetime) -> bool:
    """Whether the figures of the page have all calls of these days, by day."""
    span = wanted.span
    is_by_day = wanted.width is Width.DAY and not wanted.filters
    return is_by_day and span.since <= since and until <= span.until


def read_closings(wallet: Wallet, *, now: datetime, zone: tzinfo) -> list[int | None]:
    """Return the balance at the end of each of the last full days, oldest first.

    It is None for days before the ledger's first entry.
    """
    _, *ends = _last_midnights(now.astimezone(zone).date(), zone)
    return cuts.balances_before(wallet, ends)


def _last_midnights(today: date, zone: tzinfo) -> list[datetime]:
    """Return the starts of the last full days, and that of today."""
    days = range(forecast.FULL_DAYS, -1, -1)
    return [filter_values.midnight(today - timedelta(days=one), zone) for one in days]


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


def _by_bucket(times: Sequence[Latency], starts: Sequence[datetime]) -> list[Percentiles | None]:
    found = {one.starts_at: one.duration for one in times}
    return [found.get(start) for start in starts[:-1]]


def _by_model(reader: _Reader, of_table: Sequence[UsageRow]) -> list[UsageRow]:
    """Return the sums by model; none for a tag, whose sums know no models."""
    if "tag" in reader.wanted.filters:
        return []
    if reader.wanted.table_grouping in _DIMENSIONS:
        return regrouped(of_table, -1)
    return reader.usage(reader.wanted.span, Grouping.MODEL, whole=True)


def _prices() -> dict[str, list[tuple[datetime, Price]]]:
    found: dict[str, list[tuple[datetime, Price]]] = defaultdict(list)
    for row in ModelPrice.objects.select_related("model").order_by("model", "in_force_from"):
        found[row.model.public_id].append((row.in_force_from, row.price))
    return found


def _largest_models(rows: Sequence[UsageRow]) -> list[str]:
    ranked = sorted(rows, key=lambda row: (-row.credits, str(row.group[0])))
    return [str(row.group[0]) for row in ranked if row.group[0]]


def _groups_of_table(grouping: Grouping | None) -> tuple[Grouping, ...]:
    """Return how the table's rows are read: by model too, where that is known."""
    if grouping is None:
        return ()
    return (grouping,) if grouping in (Grouping.MODEL, Grouping.TAG) else (grouping, Grouping.MODEL)


def _table(rows: Sequence[UsageRow]) -> list[TableRow]:
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
