"""Sums over a period of time, exact to the second.

Hours with an up-to-date roll-up come from UsageHour. Hours with a mark (DirtyHour), and the two
partial hours at the ends of the period, are summed from the request records. One statement, and so
one snapshot, reads all of it: a roll-up that commits meanwhile cannot make an hour count twice or
not at all.
"""

from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone

from usage.ranges import Period

# Percentiles are computed over at most this many calls, the newest of the period.
LATENCY_CALLS = 10_000

# `summed`: one row per call or clean hour, with the columns to group by. Needs %(workspace_id)s,
# %(since)s and %(until)s; gateway_queries.py uses it, too.
#
# Each table is bounded by these constants, not by a column of a CTE: only then does PostgreSQL use
# the index alone, and the partitions of the period alone. OFFSET 0 keeps the subquery from being
# merged into a join, for which PostgreSQL would rather read the workspace's whole history once than
# use the index once per hour. Execute it without a prepared statement: a plan for any period reads
# the bounds too late to be a good one.
SUMMED_ROWS = """
WITH from_records AS MATERIALIZED (
    SELECT starts_at FROM usage_dirtyhour
    WHERE workspace_id = %(workspace_id)s AND starts_at < %(until)s::timestamptz
        AND starts_at > %(since)s::timestamptz - interval '1 hour'
    UNION SELECT date_trunc('hour', %(since)s::timestamptz, 'UTC')
    UNION SELECT date_trunc('hour', %(until)s::timestamptz, 'UTC')
), summed AS (
    SELECT starts_at, key_id, model, source, requests, errors, input_tokens, output_tokens,
        cache_creation_input_tokens, cache_read_input_tokens, credits
    FROM usage_usagehour
    WHERE workspace_id = %(workspace_id)s
        AND starts_at >= %(since)s::timestamptz AND starts_at < %(until)s::timestamptz
        AND starts_at NOT IN (SELECT starts_at FROM from_records)
    UNION ALL
    SELECT from_records.starts_at, record.key_id, record.resolved_model, record.source,
        1, (record.error_type <> '')::int, record.input_tokens, record.output_tokens,
        record.cache_creation_input_tokens, record.cache_read_input_tokens, record.credits
    FROM from_records CROSS JOIN LATERAL (
        SELECT key_id, resolved_model, source, error_type, input_tokens, output_tokens,
            cache_creation_input_tokens, cache_read_input_tokens, credits
        FROM usage_requestrecord
        WHERE workspace_id = %(workspace_id)s
            AND accepted_at >= %(since)s::timestamptz AND accepted_at < %(until)s::timestamptz
            AND accepted_at >= from_records.starts_at
            AND accepted_at < from_records.starts_at + interval '1 hour'
        OFFSET 0
    ) AS record
)
"""
TOTALS = (
    SUMMED_ROWS
    + """
SELECT coalesce(sum(requests), 0), coalesce(sum(errors), 0),
    coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0),
    coalesce(sum(cache_creation_input_tokens), 0), coalesce(sum(cache_read_input_tokens), 0),
    coalesce(sum(credits), 0)
FROM summed
"""
)
BY_KEY = (
    SUMMED_ROWS
    + """
SELECT key_id, sum(credits)::bigint FROM summed GROUP BY key_id
"""
)
LATENCY = """
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY duration_ms),
    percentile_disc(0.95) WITHIN GROUP (ORDER BY duration_ms)
FROM (
    SELECT duration_ms FROM usage_requestrecord
    WHERE workspace_id = %(workspace_id)s
        AND accepted_at >= %(since)s AND accepted_at < %(until)s AND error_type = ''
    ORDER BY accepted_at DESC LIMIT %(latency_calls)s
) AS newest
"""


class Totals(NamedTuple):
    """Sums over the accepted calls of a period."""

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
    """Durations of the calls that succeeded, in milliseconds."""

    p50_ms: int
    p95_ms: int


def totals(period: Period) -> Totals:
    """Return the sums over the calls accepted in the period."""
    [row] = _rows(TOTALS, period)
    return Totals(*(int(number) for number in row))


def credits_by_key(period: Period) -> dict[int | None, int]:
    """Return the credits that each key has spent; the console's are under None."""
    return dict(_rows(BY_KEY, period))


def credits_by_key_this_month(workspace_id: int) -> dict[int | None, int]:
    """Return the credits that each key has spent since the month began, in UTC."""
    now = timezone.now()
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return credits_by_key(Period(workspace_id, month, now))


def latency(period: Period) -> Latency | None:
    """Return the percentiles over the newest LATENCY_CALLS successes, or None without any."""
    [row] = _rows(LATENCY, period)
    return None if row[0] is None else Latency(*row)


def _rows(query: str, period: Period) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(query, {**period._asdict(), "latency_calls": LATENCY_CALLS})
        return list(cursor.fetchall())
