"""The roll-ups of tags, a table of their own: a call with two tags counts under both.

The first 200 tags of a workspace's day, by the moment of their first call, have rows of their own;
later ones are summed up together, in the row of the empty tag. A record that arrives late may push
a tag out of the first 200: then all hours of its day are marked again, so that the rows become
those that they would be had the records arrived in order.
"""

from typing import Any

from usage.measures import MOST_TAGS_A_DAY, OTHER_TAGS, RECORD_COLUMNS, listed, of_record

_RECORDS = f"""
FROM unnest(%(workspaces)s::bigint[], %(hours)s::timestamptz[]) AS dirty (workspace_id, starts_at)
CROSS JOIN LATERAL (
    SELECT workspace_id, id, {", ".join(RECORD_COLUMNS)} FROM usage_requestrecord
    WHERE workspace_id = dirty.workspace_id AND tags IS NOT NULL
        AND accepted_at >= %(first)s::timestamptz
        AND accepted_at < %(last)s::timestamptz + interval '1 hour'
        AND accepted_at >= dirty.starts_at AND accepted_at < dirty.starts_at + interval '1 hour'
    OFFSET 0
) AS record
"""
_KEEP = f"""
INSERT INTO usage_kept_tag AS kept (workspace_id, day, tag, first_at)
SELECT record.workspace_id, date_trunc('day', record.accepted_at, 'UTC'), tag,
    min(record.accepted_at)
{_RECORDS} CROSS JOIN LATERAL unnest(record.tags) AS tag
GROUP BY 1, 2, 3
ON CONFLICT (workspace_id, day, tag) DO UPDATE SET first_at = excluded.first_at
WHERE excluded.first_at < kept.first_at
"""
_DROP = f"""
WITH day AS (
    SELECT DISTINCT workspace_id, date_trunc('day', starts_at, 'UTC') AS day
    FROM unnest(%(workspaces)s::bigint[], %(hours)s::timestamptz[])
        AS dirty (workspace_id, starts_at)
), ranked AS (
    SELECT kept.workspace_id, kept.day, kept.tag,
        row_number() OVER (
            PARTITION BY kept.workspace_id, kept.day ORDER BY kept.first_at, kept.tag
        ) AS rank
    FROM usage_kept_tag AS kept JOIN day USING (workspace_id, day)
)
DELETE FROM usage_kept_tag AS kept USING ranked
WHERE ranked.rank > {MOST_TAGS_A_DAY} AND kept.workspace_id = ranked.workspace_id
    AND kept.day = ranked.day AND kept.tag = ranked.tag
RETURNING kept.workspace_id, kept.day, kept.tag
"""
# Of the tags that were dropped, those that had rows were kept until now.
_MARK_AGAIN = """
INSERT INTO usage_dirtyhour (workspace_id, starts_at)
SELECT row.workspace_id, row.bucket FROM usage_tag_hour AS row JOIN (
    SELECT DISTINCT dropped.workspace_id, dropped.day
    FROM unnest(%(workspaces)s::bigint[], %(days)s::timestamptz[], %(tags)s::text[])
        AS dropped (workspace_id, day, tag)
    JOIN usage_tag_day AS kept ON kept.workspace_id = dropped.workspace_id
        AND kept.bucket = dropped.day AND kept.tag = dropped.tag
) AS changed ON changed.workspace_id = row.workspace_id
    AND row.bucket >= changed.day AND row.bucket < changed.day + interval '1 day'
WHERE row.tag IS NULL
"""
_CLEAR = """
DELETE FROM {table} AS row
USING unnest(%(workspaces)s::bigint[], %({starts})s::timestamptz[]) AS dirty (workspace_id, bucket)
WHERE row.workspace_id = dirty.workspace_id AND row.bucket >= dirty.bucket
    AND row.bucket < dirty.bucket + interval '{width}'
"""
_INSERT = f"INSERT INTO {{table}} (workspace_id, bucket, tag, {listed('{}')})"
_QUARTERS = f"""
{_INSERT.format(table="usage_tag_quarter")}
SELECT record.workspace_id, date_bin('15 minutes', record.accepted_at, 'epoch'), counted.tag,
    {listed("sum(record.{0})::bigint")}
FROM (
    SELECT record.workspace_id, record.accepted_at, record.tags, {of_record()} {_RECORDS}
) AS record
CROSS JOIN LATERAL (
    SELECT NULL AS tag
    UNION ALL
    SELECT DISTINCT coalesce(kept.tag, '{OTHER_TAGS}') FROM unnest(record.tags) AS given (tag)
    LEFT JOIN usage_kept_tag AS kept ON kept.workspace_id = record.workspace_id
        AND kept.day = date_trunc('day', record.accepted_at, 'UTC') AND kept.tag = given.tag
) AS counted
WHERE cardinality(record.tags) > 0
GROUP BY 1, 2, 3
"""
_FOLD = f"""
{_INSERT.format(table="{coarser}")}
SELECT row.workspace_id, dirty.bucket, row.tag, {listed("sum(row.{0})::bigint")}
FROM (
    SELECT DISTINCT workspace_id, date_trunc('{{unit}}', starts_at, 'UTC') AS bucket
    FROM unnest(%(workspaces)s::bigint[], %(hours)s::timestamptz[])
        AS dirty (workspace_id, starts_at)
) AS dirty
CROSS JOIN LATERAL (
    SELECT * FROM {{finer}} WHERE workspace_id = dirty.workspace_id
        AND bucket >= dirty.bucket AND bucket < dirty.bucket + interval '1 {{unit}}'
    OFFSET 0
) AS row
GROUP BY 1, 2, 3
"""


def recompute(cursor: Any, hours: dict[str, Any]) -> None:
    """Sum up the tags of these hours, given as roll_up.marked_hours returns them."""
    cursor.execute(_KEEP, hours)
    cursor.execute(_DROP, hours)
    if dropped := cursor.fetchall():
        workspaces, days, tags = zip(*dropped, strict=True)
        cursor.execute(
            _MARK_AGAIN,
            {"workspaces": list(workspaces), "days": list(days), "tags": list(tags)},
        )
    cleared = {**hours, "days": [start.replace(hour=0) for start in hours["hours"]]}
    for table, starts, width in (
        ("usage_tag_quarter", "hours", "1 hour"),
        ("usage_tag_hour", "hours", "1 hour"),
        ("usage_tag_day", "days", "1 day"),
    ):
        cursor.execute(_CLEAR.format(table=table, starts=starts, width=width), cleared)
    cursor.execute(_QUARTERS, hours)
    for finer, coarser, unit in (
        ("usage_tag_quarter", "usage_tag_hour", "hour"),
        ("usage_tag_hour", "usage_tag_day", "day"),
    ):
        cursor.execute(_FOLD.format(finer=finer, coarser=coarser, unit=unit), hours)
