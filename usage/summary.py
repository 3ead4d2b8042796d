"""The sums that pages show of a period of time, right to the second."""

from typing import NamedTuple

from django.utils import timezone

from usage.ranges import Period
from usage.reading import Grouping, Question, latencies, usage


class Totals(NamedTuple):
    """Sums over the calls of a period, with those that were refused."""

    requests: int
    errors: int
    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    credits: int

    @property
    def all_input_tokens(self) -> int:
        """Input however it was cached: the three classes are disjoint."""
        return self.input_tokens + self.cache_creation_input_tokens + self.cache_read_input_tokens

    @property
    def error_rate(self) -> float:
        """The share of calls that ended with an error; 0 when there were none."""
        return self.errors / self.requests if self.requests else 0.0


class Latency(NamedTuple):
    """Durations of the calls that were answered, in milliseconds."""

    p50_ms: int
    p95_ms: int


def totals(period: Period) -> Totals:
    """Return the sums over the calls accepted in the period."""
    for row in usage(_question(period)):
        return Totals(*(getattr(row, name) for name in Totals._fields))
    return Totals(*(0 for _ in Totals._fields))


def credits_by_key(period: Period) -> dict[int | None, int]:
    """Return the credits that each key has spent; the console's are under None."""
    rows = usage(_question(period, Grouping.KEY))
    return {row.group[0]: row.credits for row in rows if not isinstance(row.group[0], str)}


def credits_by_key_this_month(workspace_id: int) -> dict[int | None, int]:
    """Return the credits that each key has spent since the month began, in UTC."""
    now = timezone.now()
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return credits_by_key(Period(workspace_id, month, now))


def latency(period: Period) -> Latency | None:
    """Return the percentiles over the period's answered calls, or None without any."""
    for row in latencies(_question(period)):
        if row.duration is not None:
            return Latency(row.duration.p50, row.duration.p95)
    return None


def _question(period: Period, *groups: Grouping) -> Question:
    return Question(
        workspace_id=period.workspace_id,
        since=period.since,
        until=period.until,
        group_by=groups,
    )
