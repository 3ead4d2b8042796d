"""Fills the tables with request records of a thousand workspaces, by PostgreSQL itself."""

import time
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db import connection, transaction

WORKSPACES = 1_000
DAYS = 90
_PER_STATEMENT = 500_000

# Every other record is the big workspace's. Of its calls 4 keys make most, to 3 models; a third
# have one of 12 tags, and a quarter one of many sessions. Every 50th call was refused.
_RECORDS = """
INSERT INTO usage_requestrecord (id, workspace_id, accepted_at, key_id, source, requested_model,
    resolved_model, price_id, route, is_stream, status, error_type, error_code, ending, stop_reason,
    input_tokens, output_tokens, cache_creation_input_tokens, cache_read_input_tokens,
    is_usage_estimated, credits, lost_credits, first_byte_ms, duration_ms, lines, hold_amount,
    balance_after, tags, session_id, queue_ms, hold_ms)
SELECT
    -- a UUID of version 7 of that moment, as requests have
    (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7'
        || substr(md5(number::text), 1, 3) || '8' || substr(md5(number::text), 4, 15))::uuid,
    CASE WHEN number %% 2 = 0 THEN %(big)s
        ELSE (%(others)s::bigint[])[1 + (number / 2) %% cardinality(%(others)s::bigint[])] END,
    at, 1 + number %% 4, 'api', 'caicaini/auto',
    CASE WHEN is_refused THEN '' ELSE 'bench/m' || number %% 3 END,
    CASE WHEN NOT is_refused THEN %(price)s::bigint END, 'bench/m', number %% 5 = 0,
    CASE WHEN is_refused THEN 429 ELSE 200 END,
    CASE WHEN is_refused THEN 'rate_limit_error' ELSE '' END,
    CASE WHEN is_refused THEN 'rate_limited' END,
    CASE WHEN is_refused THEN 'refused' ELSE 'completed' END, 'end_turn',
    CASE WHEN is_refused THEN 0 ELSE 900 + number %% 500 END,
    CASE WHEN is_refused THEN 0 ELSE number %% 700 END, 0,
    CASE WHEN is_refused THEN 0 ELSE number %% 300 END, false,
    CASE WHEN is_refused THEN 0 ELSE 100 + number %% 50 END, 0,
    CASE WHEN NOT is_refused THEN 100 + number %% 300 END, (500 + number %% 4000)::int,
    CASE WHEN NOT is_refused THEN '[{"class": "input", "model": "bench/m", "price_id": 1,
        "units": 1000, "price": 100000}]'::jsonb END,
    CASE WHEN NOT is_refused THEN 500 END, CASE WHEN NOT is_refused THEN 1000000 END,
    CASE WHEN number %% 3 = 0 THEN ARRAY['tag' || number %% 12] END,
    CASE WHEN number %% 4 = 0 THEN 'session-' || number / 400 END, 1, 2
FROM generate_series(%(first)s::bigint, %(last)s::bigint - 1) AS number
CROSS JOIN LATERAL (
    SELECT %(since)s::timestamptz + (number - %(first)s::bigint)
            * (%(until)s::timestamptz - %(since)s::timestamptz)
            / (%(last)s::bigint - %(first)s::bigint) AS at,
        number %% 50 = 7 AS is_refused
) AS call
"""
_MARK = """
INSERT INTO usage_dirtyhour (workspace_id, starts_at)
SELECT DISTINCT workspace_id, date_trunc('hour', accepted_at, 'UTC') FROM usage_requestrecord
WHERE accepted_at >= %(since)s AND accepted_at < %(until)s
"""


class Filled(NamedTuple):
    """The workspaces, and the time that their records are from."""

    big: int
    others: list[int]
    price: int
    since: datetime
    until: datetime


def span() -> tuple[datetime, datetime]:
    """Return the time that records are spread over: it ends a few minutes ago, mid-quarter."""
    until = datetime.now(UTC) - timedelta(minutes=4, seconds=17)
    return until - timedelta(days=DAYS), until


def make_partitions(since: datetime) -> None:
    """Create the partitions of the months that have begun since then."""
    month = since.replace(day=1)
    while month <= datetime.now(UTC):
        with connection.cursor() as cursor:
            cursor.execute("SELECT usage_ensure_partition(%s)", [month])
        month = (month + timedelta(days=32)).replace(day=1)


def add(filled: Filled, *, first: int, last: int) -> float:
    """Add the records with these numbers, spread over the whole time; return the seconds."""
    began = time.monotonic()
    for start in range(first, last, _PER_STATEMENT):
        insert(filled, start, min(start + _PER_STATEMENT, last), filled.since, filled.until)
    mark(filled.since, filled.until)
    return time.monotonic() - began


@transaction.atomic
def insert(filled: Filled, first: int, last: int, since: datetime, until: datetime) -> None:
    """Add records between two moments; `mark` has them rolled up."""
    parameters = {**filled._asdict(), "first": first, "last": last}
    with connection.cursor() as cursor:
        cursor.execute(_RECORDS, {**parameters, "since": since, "until": until})


def mark(since: datetime, until: datetime) -> None:
    """Mark each hour of a workspace that has records between two moments for the roll-up."""
    with connection.cursor() as cursor:
        cursor.execute(_MARK, {"since": since, "until": until})


def analyze() -> None:
    """Collect statistics, as autovacuum does in time."""
    with connection.cursor() as cursor:
        for table in (
            *("usage_requestrecord", "usage_quarter", "usage_hour", "usage_day"),
            *("usage_session_quarter", "usage_session_day"),
        ):
            cursor.execute(f"VACUUM ANALYZE {table}")


def count(table: str) -> int:
    """Return how many rows PostgreSQL estimates that a table and its partitions have."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(greatest(reltuples, 0))::bigint FROM pg_class"
            " WHERE oid IN (SELECT relid FROM pg_partition_tree(%s)) OR oid = %s::regclass",
            [table, table],
        )
        [found] = cursor.fetchone()
    return int(found or 0)


def credits_by_table(workspace_id: int) -> dict[str, int]:
    """Return a workspace's credits as its records and as each roll-up have them."""
    found = {}
    with connection.cursor() as cursor:
        for table in ("usage_requestrecord", "usage_quarter", "usage_hour", "usage_day"):
            cursor.execute(
                f"SELECT sum(credits)::bigint FROM {table} WHERE workspace_id = %s", [workspace_id]
            )
            [found[table]] = cursor.fetchone()
    return found
