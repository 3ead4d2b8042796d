"""Recompute the roll-ups of marked hours from the request records.

A marked hour (models.DirtyHour) is summed up again, whole, into its quarters; they are folded into
hours and days. So running twice, late, out of order or in parallel leaves the same rows. A mark is
committed together with its records, and the sums are read after the marks are taken, so they
include those records.
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction

from usage import kept, session_roll_up, tag_roll_up
from usage.measures import (
    ERROR_OF_RECORD,
    MEASURES,
    OF_RECORD,
    RECORD_COLUMNS,
    SLOTS_OF_RECORD,
    listed,
)

logger = logging.getLogger(__name__)

_TAKE = (
    "WITH taken AS (SELECT id FROM usage_dirtyhour ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)"
    " DELETE FROM usage_dirtyhour USING taken WHERE usage_dirtyhour.id = taken.id"
    " RETURNING workspace_id, starts_at"
)
# One roll-up at a time: of two, one could overwrite the other's sums with older ones.
LOCK = "SELECT pg_advisory_xact_lock(hashtext('usage-roll-up'))"
# After an outage of the worker an hour has a mark for each of its calls. The more marks a round
# takes, the less often a busy hour is summed up again.
_MARKS_PER_ROUND = 20_000
_HOURS_PER_STATEMENT = 2_000
# The next audit compares what was written with the records (billing/audit/sums.py).
_TO_BE_CHECKED = """
INSERT INTO usage_uncheckedhour (workspace_id, starts_at)
SELECT * FROM unnest(%(workspaces)s::bigint[], %(hours)s::timestamptz[])
ON CONFLICT (workspace_id, starts_at) DO UPDATE SET rolled_at = now()
"""
# The database lets only a roll-up write that sums up sessions too, and folds them into days
# (0014_session_days).
SUMS_SESSIONS = "SET LOCAL usage.sums_sessions = 'days'"

# Calls of the console have no key. NULL in a GROUP BY or a join would be slow to compare, so 0
# stands for it until the rows are written.
_DIMENSIONS = "workspace_id, bucket, key, model, source"
_WRITTEN = "workspace_id, bucket, nullif(key, 0), model, source"
_DETAILS = ("errors_by_code", "latency", "first_byte")
_UPSERT = f"""
INSERT INTO {{table}} AS row (
    workspace_id, bucket, key_id, model, source, {listed("{}")}, {", ".join(_DETAILS)}
)
SELECT {_WRITTEN}, {listed("{}")}, {", ".join(_DETAILS)}
FROM sums LEFT JOIN errors USING ({_DIMENSIONS})
LEFT JOIN latency USING ({_DIMENSIONS}) LEFT JOIN first_byte USING ({_DIMENSIONS})
ON CONFLICT (workspace_id, bucket, key_id, model, source) DO UPDATE
SET {", ".join(f"{name} = excluded.{name}" for name in (*MEASURES, *_DETAILS))}
WHERE ({", ".join(f"row.{name}" for name in (*MEASURES, *_DETAILS))})
    IS DISTINCT FROM ({", ".join(f"excluded.{name}" for name in (*MEASURES, *_DETAILS))})
"""
_HISTOGRAM = """
SELECT {dimensions},
    usage_histogram(array_agg(slot ORDER BY slot), array_agg(count ORDER BY slot)) AS {kind}
FROM ({slots}) AS slot GROUP BY {dimensions}
"""


def _histogram(kind: str, slots: str) -> str:
    return _HISTOGRAM.format(dimensions=_DIMENSIONS, kind=kind, slots=slots)


_SLOTS_OF_RECORDS = (
    f"SELECT {_DIMENSIONS}, {{0}} AS slot, sum(requests)::bigint AS count"
    f" FROM record WHERE {{0}} IS NOT NULL GROUP BY {_DIMENSIONS}, {{0}}"
)
# OFFSET 0 and the constant bounds have the reason that usage/reading/statement.py gives. Records
# that differ in nothing that is kept are summed up first: all that follows reads those sums.
QUARTERS = f"""
WITH record AS MATERIALIZED (
    SELECT record.workspace_id, date_bin('15 minutes', record.accepted_at, 'epoch') AS bucket,
        coalesce(record.key_id, 0) AS key, record.resolved_model::text AS model,
        record.source::text AS source, {ERROR_OF_RECORD} AS code,
        {", ".join(f"{sql} AS {name}" for name, sql in SLOTS_OF_RECORD.items())},
        coalesce(cardinality(record.tags), 0) > 0 AS has_tags,
        record.session_id IS NOT NULL AS has_session,
        {", ".join(f"sum({sql})::bigint AS {name}" for name, sql in OF_RECORD.items())}
    FROM unnest(%(workspaces)s::bigint[], %(hours)s::timestamptz[])
        AS dirty (workspace_id, starts_at)
    CROSS JOIN LATERAL (
        SELECT workspace_id, {", ".join(RECORD_COLUMNS)} FROM usage_requestrecord
        WHERE workspace_id = dirty.workspace_id
            AND accepted_at >= %(first)s::timestamptz
            AND accepted_at < %(last)s::timestamptz + interval '1 hour'
            AND accepted_at >= dirty.starts_at
            AND accepted_at < dirty.starts_at + interval '1 hour'
        OFFSET 0
    ) AS record
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
), sums AS (
    SELECT {_DIMENSIONS}, {listed("sum({0})::bigint AS {0}")} FROM record GROUP BY {_DIMENSIONS}
), errors AS (
    SELECT {_DIMENSIONS}, jsonb_object_agg(code, count) AS errors_by_code FROM (
        SELECT {_DIMENSIONS}, code, sum(errors)::bigint AS count FROM record
        WHERE code IS NOT NULL GROUP BY {_DIMENSIONS}, code
    ) AS error GROUP BY {_DIMENSIONS}
), latency AS (
    {_histogram("latency", _SLOTS_OF_RECORDS.format("latency"))}
), first_byte AS (
    {_histogram("first_byte", _SLOTS_OF_RECORDS.format("first_byte"))}
), written AS (
    {_UPSERT.format(table="usage_quarter")}
)
SELECT workspace_id, date_trunc('hour', bucket, 'UTC'), bool_or(has_tags), bool_or(has_session)
FROM record WHERE has_tags OR has_session GROUP BY 1, 2
"""
_SLOTS_OF_ROWS = (
    f"SELECT {_DIMENSIONS}, slot, sum(count)::bigint AS count FROM finer CROSS JOIN LATERAL ("
    "SELECT generate_subscripts({0}, 1) AS slot, unnest({0}) AS count) AS histogram"
    f" WHERE count > 0 GROUP BY {_DIMENSIONS}, slot"
)
_FOLD = f"""
WITH finer AS MATERIALIZED (
    SELECT row.workspace_id, dirty.bucket, coalesce(key_id, 0) AS key, model, source,
        {listed("{}")}, {", ".join(_DETAILS)}
    FROM unnest(%(workspaces)s::bigint[], %(buckets)s::timestamptz[])
        AS dirty (workspace_id, bucket)
    CROSS JOIN LATERAL (
        SELECT * FROM {{finer}} WHERE workspace_id = dirty.workspace_id
            AND bucket >= dirty.bucket AND bucket < dirty.bucket + interval '{{width}}'
        OFFSET 0
    ) AS row
), sums AS (
    SELECT {_DIMENSIONS}, {listed("sum({0})::bigint AS {0}")} FROM finer GROUP BY {_DIMENSIONS}
), errors AS (
    SELECT {_DIMENSIONS}, jsonb_object_agg(code, count) AS errors_by_code FROM (
        SELECT {_DIMENSIONS}, code, sum(value::bigint)::bigint AS count
        FROM finer CROSS JOIN LATERAL jsonb_each_text(errors_by_code) AS error (code, value)
        GROUP BY {_DIMENSIONS}, code
    ) AS error GROUP BY {_DIMENSIONS}
), latency AS (
    {_histogram("latency", _SLOTS_OF_ROWS.format("latency"))}
), first_byte AS (
    {_histogram("first_byte", _SLOTS_OF_ROWS.format("first_byte"))}
)
{_UPSERT.format(table="{coarser}")}
"""
FOLD_HOURS = _FOLD.format(finer="usage_quarter", coarser="usage_hour", width="1 hour")
FOLD_DAYS = _FOLD.format(finer="usage_hour", coarser="usage_day", width="1 day")


class Hour(NamedTuple):
    """An hour of a workspace."""

    workspace_id: int
    starts_at: datetime


def roll_up() -> int:
    """Roll up every marked hour; return how many hours were recomputed."""
    total = 0
    while marks := _roll_up_some():
        total += marks
    return total


@transaction.atomic
def _roll_up_some() -> int:
    with connection.cursor() as cursor:
        cursor.execute(LOCK)
        cursor.execute(SUMS_SESSIONS)
        cursor.execute(_TAKE, [_MARKS_PER_ROUND])
        hours = {Hour(*row) for row in cursor.fetchall()}
        known = sorted(_with_records(hours))
        for first in range(0, len(known), _HOURS_PER_STATEMENT):
            recompute(cursor, known[first : first + _HOURS_PER_STATEMENT])
    return len(hours)


def _with_records(hours: set[Hour]) -> set[Hour]:
    """Leave out hours whose records are dropped: summed up again, nothing would be left of them."""
    kept_since = kept.since()
    gone = {hour for hour in hours if kept_since and hour.starts_at < kept_since}
    if gone:
        logger.error("records arrived after their months were dropped: %s", sorted(gone)[:5])
    return hours - gone


def recompute(cursor: Any, hours: Sequence[Hour]) -> None:
    """Sum up these hours from their records, and all that contains them."""
    cursor.execute(QUARTERS, marked_hours(hours))
    labelled = cursor.fetchall()
    days = sorted({Hour(hour.workspace_id, _midnight(hour.starts_at)) for hour in hours})
    cursor.execute(FOLD_HOURS, _buckets(hours))
    cursor.execute(FOLD_DAYS, _buckets(days))
    if tagged := [Hour(*row[:2]) for row in labelled if row[2]]:
        tag_roll_up.recompute(cursor, marked_hours(tagged))
    if of_sessions := [Hour(*row[:2]) for row in labelled if row[3]]:
        session_roll_up.recompute(cursor, marked_hours(of_sessions))
    cursor.execute(_TO_BE_CHECKED, marked_hours(hours))


def marked_hours(hours: Sequence[Hour]) -> dict[str, Any]:
    """Return the queries' parameters for these hours, each with its workspace."""
    workspaces, starts = zip(*hours, strict=True)
    return {
        "workspaces": list(workspaces),
        "hours": list(starts),
        "first": min(starts),
        "last": max(starts),
    }


def _buckets(starts: Sequence[Hour]) -> dict[str, Any]:
    workspaces, buckets = zip(*starts, strict=True)
    return {"workspaces": list(workspaces), "buckets": list(buckets)}


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0)
