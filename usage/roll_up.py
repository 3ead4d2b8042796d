"""Recompute hourly sums from the request records.

Marked hours (models.DirtyHour) are recomputed whole and replaced, so running twice, late or in
parallel gives the same rows. A mark is committed together with its records, and the sums are read
after the marks are taken, so they include those records.
"""

from django.db import connection, transaction

_TAKE = (
    "WITH taken AS (SELECT id FROM usage_dirtyhour ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)"
    " DELETE FROM usage_dirtyhour USING taken WHERE usage_dirtyhour.id = taken.id"
    " RETURNING workspace_id, starts_at"
)
# One roll-up at a time: of two, one could overwrite the other's sums with older ones.
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('usage-roll-up'))"
_CLEAR = (
    "DELETE FROM usage_usagehour USING unnest(%s::bigint[], %s::timestamptz[])"
    " AS dirty (workspace_id, starts_at) WHERE usage_usagehour.workspace_id = dirty.workspace_id"
    " AND usage_usagehour.starts_at = dirty.starts_at"
)
_SUM = """
INSERT INTO usage_usagehour (workspace_id, starts_at, key_id, model, source, requests, errors,
    input_tokens, output_tokens, cache_creation_input_tokens, cache_read_input_tokens, credits)
SELECT record.workspace_id, dirty.starts_at, record.key_id, record.resolved_model, record.source,
    count(*), count(*) FILTER (WHERE record.error_type <> ''),
    sum(record.input_tokens), sum(record.output_tokens),
    sum(record.cache_creation_input_tokens), sum(record.cache_read_input_tokens),
    sum(record.credits)
FROM unnest(%s::bigint[], %s::timestamptz[]) AS dirty (workspace_id, starts_at)
JOIN usage_requestrecord AS record ON record.workspace_id = dirty.workspace_id
    AND record.accepted_at >= dirty.starts_at
    AND record.accepted_at < dirty.starts_at + interval '1 hour'
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
            columns = [[hour[0] for hour in hours], [hour[1] for hour in hours]]
            cursor.execute(_CLEAR, columns)
            cursor.execute(_SUM, columns)
    return len(hours)
