"""Recompute hourly sums from the request records.

Marked hours (models.DirtyHour) are recomputed whole and replaced, so running twice, late or in
parallel gives the same rows. A mark is committed together with its records, and the sums are read
after the marks are taken, so they include those records.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

_TAKE = (
    "WITH taken AS (SELECT id FROM usage_dirtyhour ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)"
    " DELETE FROM usage_dirtyhour USING taken WHERE usage_dirtyhour.id = taken.id"
    " RETURNING workspace_id, starts_at"
)
# One roll-up at a time: of two, one could overwrite the other's sums with older ones.
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('usage-roll-up'))"
_CLEAR = (
    "DELETE FROM usage_usagehour USING unnest(%(workspaces)s::bigint[], %(hours)s::timestamptz[])"
    " AS dirty (workspace_id, starts_at) WHERE usage_usagehour.workspace_id = dirty.workspace_id"
    " AND usage_usagehour.starts_at = dirty.starts_at"
)
# OFFSET 0 and the constant bounds have the reason that usage/summary.py gives for SUMMED_ROWS.
SUM = """
INSERT INTO usage_usagehour (workspace_id, starts_at, key_id, model, source, requests, errors,
    input_tokens, output_tokens, cache_creation_input_tokens, cache_read_input_tokens, credits)
SELECT record.workspace_id, dirty.starts_at, record.key_id, record.resolved_model, record.source,
    count(*), count(*) FILTER (WHERE record.error_type <> ''),
    sum(record.input_tokens), sum(record.output_tokens),
    sum(record.cache_creation_input_tokens), sum(record.cache_read_input_tokens),
    sum(record.credits)
FROM unnest(%(workspaces)s::bigint[], %(hours)s::timestamptz[]) AS dirty (workspace_id, starts_at)
CROSS JOIN LATERAL (
    SELECT * FROM usage_requestrecord
    WHERE workspace_id = dirty.workspace_id
        AND accepted_at >= %(first)s::timestamptz
        AND accepted_at < %(last)s::timestamptz + interval '1 hour'
        AND accepted_at >= dirty.starts_at
        AND accepted_at < dirty.starts_at + interval '1 hour'
    OFFSET 0
) AS record
GROUP BY 1, 2, 3, 4, 5
"""
_MARKS_PER_ROUND = 10_000


def roll_up() -> int:
    """Roll up every marked hour; return how many hours were recomputed."""
    total = 0
    while hours := _roll_up_some():
        total += hours
    return total


@transaction.atomic
def _roll_up_some() -> int:
    with connection.cursor() as cursor:
        cursor.execute(_LOCK)
        cursor.execute(_TAKE, [_MARKS_PER_ROUND])
        hours = sorted(set(cursor.fetchall()))
        if hours:
            marked = marked_hours(hours)
            cursor.execute(_CLEAR, marked)
            cursor.execute(SUM, marked)
    return len(hours)


def marked_hours(hours: Sequence[tuple[int, datetime]]) -> dict[str, Any]:
    """Return the queries' parameters for these hours, each with its workspace."""
    workspaces, starts = zip(*hours, strict=True)
    return {
        "workspaces": list(workspaces),
        "hours": list(starts),
        "first": min(starts),
        "last": max(starts),
    }
