"""The answers to questions about usage."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from usage import histograms

Group = tuple[str | int | None, ...]


class UsageRow(NamedTuple):
    """Sums of a bucket and group; buckets without calls have no row. `ends_at` is exclusive.

    Both are those of the whole bucket, also where the range begins or ends within it.
    `requests` has refused calls too, `errors` those of them and others that ended with an error.
    """

    starts_at: datetime
    ends_at: datetime
    group: Group
    requests: int
    refusals: int
    errors: int
    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int
    cache_creation_1h_input_tokens: int
    cache_read_input_tokens: int
    credits: int
    lost_credits: int

    @property
    def all_input_tokens(self) -> int:
        """Input however it was cached: the three classes are disjoint."""
        return self.input_tokens + self.cache_creation_input_tokens + self.cache_read_input_tokens

    @property
    def cursor(self) -> tuple[datetime, tuple[str, ...]]:
        """What a question's `after` is for the rows that follow this one."""
        return self.starts_at, tuple(map(_sortable, self.group))


def regrouped(rows: Iterable[UsageRow], *places: int) -> list[UsageRow]:
    """Add rows up by their buckets and by these places of their groups alone."""
    found: dict[tuple[datetime, Group], list[UsageRow]] = {}
    for row in rows:
        group = tuple(row.group[place] for place in places)
        found.setdefault((row.starts_at, group), []).append(row)
    return [
        UsageRow(starts_at, some[0].ends_at, group, *_added_up(some))
        for (starts_at, group), some in found.items()
    ]


def _added_up(rows: Sequence[UsageRow]) -> Iterator[int]:
    """Return the sum of each measure."""
    first = UsageRow._fields.index("requests")
    return map(sum, zip(*(row[first:] for row in rows), strict=True))


def _sortable(value: str | int | None) -> str:
    if value is None:
        return ""
    return f":{value:019d}" if isinstance(value, int) else f":{value}"


class Percentiles(NamedTuple):
    """Milliseconds, each within its slot of the histogram: at most a quarter off."""

    p50: int
    p95: int
    p99: int

    @classmethod
    def of(cls, slots: Sequence[int], counts: Sequence[int]) -> "Percentiles | None":
        """Read them from a histogram; None if it is empty."""
        if not sum(counts):
            return None
        return cls(*(histograms.percentile(slots, counts, share) for share in (0.5, 0.95, 0.99)))


class Latency(NamedTuple):
    """How long the answered calls of a bucket and group took."""

    starts_at: datetime
    ends_at: datetime
    group: Group
    answered: int
    duration: Percentiles | None
