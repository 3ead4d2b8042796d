"""The chart's figures: buckets in order of time, each split into the largest groups. Pure.

A group's rank, and so its colour and its place in the stack, is that of its size over the whole
span. Beyond the largest seven, groups are one: `other`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from usage.dashboard.wanted import Measure
from usage.reading import Latency, UsageRow

MOST_GROUPS = 8
# No value of a group: keys are numbers, the empty tag has a meaning.
OTHER = "\0other"
GroupValue = str | int | None

_AMOUNTS: Mapping[Measure, Callable[[UsageRow], int]] = {
    Measure.CREDITS: lambda row: row.credits,
    Measure.REQUESTS: lambda row: row.requests,
    Measure.TOKENS: lambda row: row.all_input_tokens + row.output_tokens,
    Measure.ERRORS: lambda row: row.errors,
}


class Bucket(NamedTuple):
    """A bar: its amounts by rank, what they add up to, and its other figures.

    `before` is the same bucket's amount in the span that this one is compared with. With groups
    that overlap, as tags do, `total` is less than their sum.
    """

    starts_at: datetime
    ends_at: datetime
    amounts: tuple[int, ...]
    total: int
    row: UsageRow | None
    before: int | None
    latency: Latency | None


class Series(NamedTuple):
    """Groups that have an amount, in order of rank, and the buckets of the span, empty ones too."""

    groups: tuple[GroupValue, ...]
    buckets: tuple[Bucket, ...]

    @property
    def totals(self) -> tuple[int, ...]:
        """The amount of each group over the whole span."""
        return tuple(
            sum(bucket.amounts[rank] for bucket in self.buckets) for rank in range(len(self.groups))
        )

    @property
    def largest(self) -> int:
        """The height that the scale must reach."""
        heights = [max(sum(one.amounts), one.total, one.before or 0) for one in self.buckets]
        return max(heights, default=0)


class Answers(NamedTuple):
    """What usage.reading says of a span: all calls, their groups, and their times."""

    rows: Sequence[UsageRow]
    groups: Sequence[UsageRow]
    latencies: Sequence[Latency]
    before: Sequence[UsageRow] = ()


def amount(measure: Measure, row: UsageRow) -> int:
    """Return a row's figure for the chart; 0 for latency, which has lines and no bars."""
    return _AMOUNTS[measure](row) if measure in _AMOUNTS else 0


def series(
    measure: Measure,
    answers: Answers,
    edges: Sequence[datetime],
    edges_before: Sequence[datetime] | None,
) -> Series:
    """Arrange the answers in the buckets between the edges."""
    groups = _ranked(measure, answers.groups)
    kept = {value: rank for rank, value in enumerate(groups)}
    amounts: defaultdict[datetime, list[int]] = defaultdict(lambda: [0] * len(groups))
    for row in answers.groups:
        if size := amount(measure, row):
            amounts[row.starts_at][kept.get(row.group[0], len(groups) - 1)] += size
    rows = {row.starts_at: row for row in answers.rows}
    latencies = {one.starts_at: one for one in answers.latencies}
    before = _by_place(measure, answers.before, edges_before)
    buckets = []
    for place, (starts_at, ends_at) in enumerate(pairwise(edges)):
        whole = rows.get(starts_at)
        total = amount(measure, whole) if whole else 0
        buckets.append(
            Bucket(
                starts_at,
                ends_at,
                tuple(amounts[starts_at]) if groups else (total,),
                total,
                whole,
                None if edges_before is None else before.get(place, 0),
                latencies.get(starts_at),
            )
        )
    return Series(groups or (None,), tuple(buckets))


def _ranked(measure: Measure, rows: Iterable[UsageRow]) -> tuple[GroupValue, ...]:
    sizes: defaultdict[GroupValue, int] = defaultdict(int)
    for row in rows:
        sizes[row.group[0]] += amount(measure, row)
    ranked = sorted(
        (value for value, size in sizes.items() if size),
        key=lambda value: (-sizes[value], str(value)),
    )
    if len(ranked) <= MOST_GROUPS:
        return tuple(ranked)
    return (*ranked[: MOST_GROUPS - 1], OTHER)


def _by_place(
    measure: Measure, rows: Iterable[UsageRow], edges: Sequence[datetime] | None
) -> dict[int, int]:
    """Return amounts by the place of their bucket: the two spans have the same number of days."""
    places = {moment: place for place, moment in enumerate(edges or ())}
    return {places[row.starts_at]: amount(measure, row) for row in rows if row.starts_at in places}
