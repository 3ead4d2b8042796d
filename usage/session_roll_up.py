"""The roll-up of sessions, by quarter hour, folded into days.

A caller may name as many sessions as it makes calls, so each table has a row for each call at
worst. They are kept as long as the records (usage/retention.py); the sums of keys, models and tags
stay. docs/adr/0017-a-roll-up-of-sessions.md has the reasons.
"""

from typing import Any

from usage.measures import MEASURES, RECORD_COLUMNS, listed, of_record

# A call keeps its session, so no row is ever without calls.
_WRITE = f"""
ON CONFLICT (workspace_id, bucket, session_id) DO UPDATE
SET {", ".join(f"{name} = excluded.{name}" for name in MEASURES)}
WHERE ({", ".join(f"row.{name}" for name in MEASURES)})
    IS DISTINCT FROM ({", ".join(f"excluded.{name}" for name in MEASURES)})
"""
ROLL_UP = f"""
INSERT INTO usage_session_quarter AS row (workspace_id, bucket, session_id, {listed("{}")})
SELECT workspace_id, bucket, session_id, {listed("sum({0})::bigint")}
FROM (
    SELECT record.workspace_id, date_bin('15 minutes', record.accepted_at, 'epoch') AS bucket,
        record.session_id, {of_record()}
    FROM unnest(%(workspaces)s::bigint[], %(hours)s::timestamptz[])
        AS dirty (workspace_id, starts_at)
    CROSS JOIN LATERAL (
        SELECT workspace_id, {", ".join(RECORD_COLUMNS)} FROM usage_requestrecord
        WHERE workspace_id = dirty.workspace_id AND session_id IS NOT NULL
            AND accepted_at >= %(first)s::timestamptz
            AND accepted_at < %(last)s::timestamptz + interval '1 hour'
            AND accepted_at >= dirty.starts_at
            AND accepted_at < dirty.starts_at + interval '1 hour'
        OFFSET 0
    ) AS record
) AS record
GROUP BY 1, 2, 3
{_WRITE}
"""
# Days of the sessions that the hours have, and of no others: a day may have very many.
FOLD_DAYS = f"""
INSERT INTO usage_session_day AS row (workspace_id, bucket, session_id, {listed("{}")})
SELECT touched.workspace_id, touched.day, touched.session_id, {listed("sum({0})::bigint")}
FROM (
    SELECT DISTINCT row.workspace_id, date_trunc('day', row.bucket, 'UTC') AS day, row.session_id
    FROM unnest(%(workspaces)s::bigint[], %(hours)s::timestamptz[])
        AS dirty (workspace_id, starts_at)
    CROSS JOIN LATERAL (
        SELECT workspace_id, bucket, session_id FROM usage_session_quarter
        WHERE workspace_id = dirty.workspace_id AND bucket >= dirty.starts_at
            AND bucket < dirty.starts_at + interval '1 hour'
        OFFSET 0
    ) AS row
) AS touched
CROSS JOIN LATERAL (
    SELECT {", ".join(MEASURES)} FROM usage_session_quarter
    WHERE workspace_id = touched.workspace_id AND session_id = touched.session_id
        AND bucket >= touched.day AND bucket < touched.day + interval '1 day'
    OFFSET 0
) AS quarter
GROUP BY 1, 2, 3
{_WRITE}
"""


def recompute(cursor: Any, hours: dict[str, Any]) -> None:
    """Sum up the sessions of these hours, given as roll_up.marked_hours returns them."""
    cursor.execute(ROLL_UP, hours)
    cursor.execute(FOLD_DAYS, hours)
