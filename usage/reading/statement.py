"""The statement that answers a question about usage.

Roll-ups of days, hours and quarters always agree with each other: one transaction writes them.
Those of marked hours (usage.models.DirtyHour) are behind the records: what they contribute is taken
out again, and the records of these hours are summed up instead. So are the records of the two
partial quarter hours at the ends of the range. Those who ask several questions for one page read
once which hours are marked: hours that were rolled up meanwhile are right either way, and calls
that were settled meanwhile are not counted yet.

Records are bounded by constants, not by a column alone: only then does PostgreSQL read the
partitions of the range and no others. OFFSET 0 keeps a subquery from being merged into a join, for
which PostgreSQL would rather read the workspace's whole history than use an index for each hour.
Execute it without a prepared statement: a plan for any range reads the bounds too late.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from usage.measures import (
    ERROR_OF_RECORD,
    MEASURES,
    MOST_TAGS_A_DAY,
    RECORD_COLUMNS,
    SLOTS_OF_RECORD,
    listed,
    of_record,
)
from usage.reading.levels import Levels
from usage.reading.moments import SESSIONS, Moments, moments, parameters
from usage.reading.question import Grouping, Question


class Statement(NamedTuple):
    """SQL, its parameters, and the edges of the buckets: bucket n is between edges n-1 and n."""

    sql: str
    parameters: dict[str, Any]
    edges: list[datetime]


_NAMES = {
    **{one: one.value for one in (Grouping.MODEL, Grouping.SOURCE, Grouping.TAG)},
    Grouping.KEY: "key_id",
    Grouping.SESSION: "session_id",
    Grouping.ERROR: "code",
}
_BASE = """
SELECT width_bucket(bucket, %({named}_edges)s::timestamptz[]) AS place, 1 AS sign, row.*
FROM {table}_{level} AS row
WHERE workspace_id = %(workspace_id)s
    AND bucket >= %({named}_since)s::timestamptz AND bucket < %({named}_until)s::timestamptz
"""
_CORRECTIONS = """
SELECT side.place, side.sign, row.*
FROM unnest(
    %({named}_sinces)s::timestamptz[], %({named}_untils)s::timestamptz[],
    %({named}_befores)s::integer[], %({named}_signs)s::integer[]
) AS correction (since, until, before, sign)
CROSS JOIN LATERAL (
    SELECT * FROM {table}_{level}
    WHERE workspace_id = %(workspace_id)s
        AND bucket >= correction.since AND bucket < correction.until OFFSET 0
) AS row
CROSS JOIN LATERAL (
    VALUES (correction.before, correction.sign), (correction.before + 1, -correction.sign)
) AS side (place, sign)
WHERE side.place BETWEEN 1 AND %(count)s
"""
_STALE = """
SELECT width_bucket(row.bucket, %(rolled_edges)s::timestamptz[]), -1, row.*
FROM dirty CROSS JOIN LATERAL (
    SELECT * FROM {table}_quarter
    WHERE workspace_id = %(workspace_id)s
        AND bucket >= greatest(dirty.starts_at, %(rolled_since)s::timestamptz)
        AND bucket < least(dirty.starts_at + interval '1 hour', %(rolled_until)s::timestamptz)
    OFFSET 0
) AS row
"""
_DIRTY = """
SELECT DISTINCT starts_at FROM usage_dirtyhour
WHERE workspace_id = %(workspace_id)s AND starts_at < %(until)s::timestamptz
    AND starts_at > %(since)s::timestamptz - interval '1 hour'
    AND starts_at >= %(kept_since)s::timestamptz
"""
_KNOWN_DIRTY = "SELECT * FROM unnest(%(marked)s::timestamptz[]) AS marked (starts_at)"
_SPANS = """
SELECT greatest(starts_at, %(since)s::timestamptz) AS since,
    least(starts_at + interval '1 hour', %(until)s::timestamptz) AS until
FROM dirty
UNION ALL
SELECT * FROM (VALUES
    (%(since)s::timestamptz, %(head_until)s::timestamptz),
    (%(tail_since)s::timestamptz, %(until)s::timestamptz)
) AS part (since, until)
WHERE since < until AND date_trunc('hour', since, 'UTC') NOT IN (SELECT starts_at FROM dirty)
"""
_KNOWN_SPANS = """
SELECT * FROM unnest(%(span_sinces)s::timestamptz[], %(span_untils)s::timestamptz[])
    AS known (since, until)
"""
_SLOTS = ", ".join(f"{sql} AS {name}" for name, sql in SLOTS_OF_RECORD.items())
_WHOLE = "SELECT %(since)s::timestamptz AS since, %(until)s::timestamptz AS until"
_RECORDS = f"""
SELECT width_bucket(record.accepted_at, %(edges)s::timestamptz[]) AS place, 1 AS sign,
    record.accepted_at, record.key_id, record.resolved_model::text AS model,
    record.source::text AS source, record.session_id, record.tags, {of_record()},
    {ERROR_OF_RECORD} AS code, {_SLOTS}
FROM ({{spans}}) AS span CROSS JOIN LATERAL (
    SELECT {", ".join(RECORD_COLUMNS)} FROM usage_requestrecord
    WHERE workspace_id = %(workspace_id)s
        AND accepted_at >= %({{bounds}}since)s::timestamptz
        AND accepted_at < %({{bounds}}until)s::timestamptz
        AND accepted_at >= span.since AND accepted_at < span.until {{where}} OFFSET 0
) AS record
"""
# The tags that a record counts under; a tag that the roll-up has not seen yet is one of the day's
# first as long as there is room. A record without tags counts under NULL.
_TAGS_OF_RECORD = f"""
CROSS JOIN LATERAL (
    SELECT NULL AS tag WHERE coalesce(cardinality(row.tags), 0) = 0
    UNION
    SELECT CASE WHEN kept.tag IS NOT NULL OR day.tags < {MOST_TAGS_A_DAY} THEN given.tag ELSE '' END
    FROM unnest(row.tags) AS given (tag)
    LEFT JOIN usage_kept_tag AS kept ON kept.workspace_id = %(workspace_id)s
        AND kept.day = date_trunc('day', row.accepted_at, 'UTC') AND kept.tag = given.tag
    CROSS JOIN LATERAL (
        SELECT count(*) AS tags FROM usage_kept_tag
        WHERE workspace_id = %(workspace_id)s
            AND day = date_trunc('day', row.accepted_at, 'UTC')
    ) AS day
) AS given
"""
_ERRORS_OF_ROLL_UP = """
CROSS JOIN LATERAL (
    SELECT key AS code, value::bigint AS count FROM jsonb_each_text(row.errors_by_code)
) AS error"""
_ERROR_OF_RECORD = """
CROSS JOIN LATERAL (
    SELECT row.code, row.errors AS count WHERE row.code IS NOT NULL
) AS error"""
# A row with its histogram's slots, and how many calls each has.
_SLOTS_OF_ROLL_UP = """
CROSS JOIN LATERAL (
    SELECT generate_subscripts(row.latency, 1) AS slot, unnest(row.latency)::bigint AS count
) AS histogram"""
_SLOTS_OF_RECORD = "CROSS JOIN LATERAL (SELECT row.latency, 1::bigint) AS histogram (slot, count)"
_ERRORS_ALONE = ", ".join(
    f"{'row.sign * error.count' if name in ('requests', 'errors') else 0} AS {name}"
    for name in MEASURES
)


def sums(
    question: Question,
    *,
    kept_since: datetime | None = None,
    marked: Sequence[datetime] | None = None,
) -> Statement:
    """Return the statement whose rows are: bucket, groups, measures; in the order of pages.

    Records are kept since `kept_since`, or all of them. Moments before it are rounded down to a
    quarter hour. `marked` are all marked hours of the workspace, if they are known.
    """
    read = moments(question, kept_since, marked)
    names = ", ".join(["place", *_names(question)])
    sql = f"""
{_with(question, read, part=_parts(question))}, summed AS (
    SELECT {names}, {listed("sum({0})::bigint AS {0}")} FROM part
    GROUP BY {names} HAVING sum(requests) <> 0
)
SELECT * FROM summed {_page(question)}
"""
    return Statement(sql, parameters(question, read), read.edges)


def slots(
    question: Question,
    *,
    kept_since: datetime | None = None,
    marked: Sequence[datetime] | None = None,
) -> Statement:
    """Return that whose rows are: bucket, groups, slots of how long calls took, counts."""
    if question.is_of_tags or question.is_of_sessions or Grouping.ERROR in question.group_by:
        raise ValueError("there are no histograms of tags, sessions and errors")
    read = moments(question, kept_since, marked)
    sql = f"{_with(question, read, timed=_timed(question))} {_slots(question)} ORDER BY place"
    return Statement(sql, parameters(question, read), read.edges)


def overview(
    question: Question,
    whole: Sequence[Grouping] = (),
    *,
    kept_since: datetime | None = None,
    marked: Sequence[datetime] | None = None,
) -> Statement:
    """Return that of all that a page shows of a range, which is read once for it.

    Rows are: bucket, the groups of the question, those of `whole` that it does not have, measures,
    slots, counts. They are of three kinds: sums of a bucket and its groups; with `whole`, sums of
    the range by these groups, without a bucket; and histograms of a bucket, without measures.
    There are no histograms for the calls of a tag.
    """
    read = moments(question, kept_since, marked)
    every = replace(question, group_by=tuple(dict.fromkeys([*question.group_by, *whole])))
    groups = ", ".join(["place", *_names(question)])
    if whole:
        groups = f"GROUPING SETS (({groups}), ({', '.join(_NAMES[one] for one in whole)}))"
    names = ["place", *_names(every)]
    selected = [
        f"SELECT {', '.join(names)}, {listed('sum({0})::bigint')}, NULL::integer[], NULL::bigint[]"
        f" FROM part GROUP BY {groups} HAVING sum(requests) <> 0"
    ]
    timed = []
    if question.filters.tag is None:
        ungrouped = replace(question, group_by=())
        timed = _timed(ungrouped)
        empty = ", ".join("NULL" for _ in (*names[1:], *MEASURES))
        selected.append(
            f"SELECT place, {empty}, slots, counts"
            f" FROM ({_slots(ungrouped)}) AS histogram (place, slots, counts)"
        )
    sql = f"{_with(every, read, part=_parts(every), timed=timed)} {' UNION ALL '.join(selected)}"
    return Statement(f"{sql} ORDER BY place", parameters(every, read), read.edges)


def _timed(question: Question) -> list[str]:
    """Return what histograms are added up from, as queries of bucket, groups, slot and count."""
    return [
        f"SELECT row.place, {_columns(question)}slot, row.sign * count AS count"
        f" FROM {source} AS row {join} WHERE slot IS NOT NULL{_restricted(question)}"
        for source, join in (("rolled", _SLOTS_OF_ROLL_UP), ("record", _SLOTS_OF_RECORD))
    ]


def _slots(question: Question) -> str:
    names = ", ".join(["place", *_names(question)])
    return f"""
SELECT {names}, array_agg(slot ORDER BY slot), array_agg(count ORDER BY slot) FROM (
    SELECT {names}, slot, sum(count)::bigint AS count FROM timed
    GROUP BY {names}, slot HAVING sum(count) <> 0
) AS summed GROUP BY {names}"""


def _parts(question: Question) -> list[str]:
    """Return what is added up, as queries of bucket, groups and measures."""
    where = f" WHERE true{_restricted(question)}"
    if Grouping.TAG in question.group_by:
        # What is left for the group None: all calls, less those with a tag.
        return [
            _part("NULL AS tag, ", "rolled"),
            _part(
                "row.tag, ",
                "rolled_tag",
                sign="CASE WHEN tag IS NULL THEN -row.sign ELSE row.sign END",
            ),
            _part("given.tag, ", "record", _TAGS_OF_RECORD),
        ]
    if Grouping.SESSION in question.group_by:
        return _parts_by_session(question, where)
    if Grouping.ERROR in question.group_by:
        return [
            _part("error.code, ", source, join + where, measures=_ERRORS_ALONE)
            for source, join in (("rolled", _ERRORS_OF_ROLL_UP), ("record", _ERROR_OF_RECORD))
        ]
    columns = _columns(question)
    if question.filters.session is not None:
        return _parts_of_session(question, columns, where)
    if question.filters.tag is not None:
        return [
            _part("", "rolled_tag", " WHERE tag = %(tag)s"),
            _part("", "record", " WHERE %(tag)s = ANY (tags)"),
        ]
    return [_part(columns, source, where) for source in ("rolled", "record")]


def _parts_by_session(question: Question, where: str) -> list[str]:
    """Return all calls as those without a session, less those with one, and the latter by it."""
    own, ungrouped = "row.session_id, ", "NULL AS session_id, "
    if question.filters.has_dimensions:  # the roll-up of sessions has none
        return [
            _part(ungrouped, "rolled", where),
            _part(ungrouped, "record", where),
            _part(own, "of_session", where),
            _part(ungrouped, "of_session", where, sign="-row.sign"),
        ]
    return [
        _part(ungrouped, "rolled"),
        _part(own, "rolled_session"),
        _part(ungrouped, "rolled_session", sign="-row.sign"),
        _part(own, "record"),
    ]


def _parts_of_session(question: Question, columns: str, where: str) -> list[str]:
    if columns or question.filters.has_dimensions:
        return [_part(columns, "of_session", where)]
    its_own = " WHERE row.session_id = %(session)s"
    return [_part("", source, its_own) for source in ("rolled_session", "record")]


def _part(
    columns: str, source: str, rest: str = "", *, sign: str = "row.sign", measures: str = ""
) -> str:
    values = measures or listed(f"{sign} * row.{{0}} AS {{0}}")
    return f"SELECT row.place, {columns}{values} FROM {source} AS row {rest}"


def _with(question: Question, read: Moments, **unions: Sequence[str]) -> str:
    """Return the unions, and the tables that their queries name, as CTEs. Others would be parsed
    and planned each time: so what is known to be empty is left out."""
    where = "AND session_id IS NOT NULL"
    if question.filters.session is not None:
        where = "AND session_id = %(session)s"
    behind = read.behind
    sources = {
        "record": _RECORDS.format(
            spans=_KNOWN_SPANS if behind else _SPANS, bounds="records_", where=""
        ),
        "of_session": _RECORDS.format(spans=_WHOLE, bounds="", where=where),
        "rolled": _rolled("usage", read, read.rolled),
        "rolled_tag": _rolled("usage_tag", read, read.rolled),
    }
    if read.sessions:
        sources["rolled_session"] = _rolled("usage_session", read, read.sessions, SESSIONS)
    if behind and not behind.spans:
        del sources["record"]
    used = {
        name: sql
        for name, sql in sources.items()
        if any(_reads(part, name) for parts in unions.values() for part in parts)
    }
    ctes = [f"{name} AS ({sql})" for name, sql in used.items()]
    if behind is None or behind.hours:
        ctes.insert(0, f"dirty AS MATERIALIZED ({_KNOWN_DIRTY if behind else _DIRTY})")
    for name, parts in unions.items():
        if filled := [part for part in parts if any(_reads(part, one) for one in used)]:
            ctes.append(f"{name} AS ({' UNION ALL '.join(filled)})")
    return f"WITH {', '.join(ctes)}"


def _reads(part: str, source: str) -> bool:
    return f"FROM {source} AS row" in part


def _rolled(table: str, read: Moments, levels: Levels, prefix: str = "") -> str:
    base = _BASE.format(table=table, level=levels.base, named=f"{prefix}{levels.base}")
    corrections = [
        _CORRECTIONS.format(table=table, level=level, named=f"{prefix}{level}")
        for level, some in levels.corrections.items()
        if some
    ]
    is_fresh = read.behind is not None and not read.behind.hours
    stale = [] if is_fresh else [_STALE.format(table=table)]
    return " UNION ALL ".join([base, *corrections, *stale])


def _names(question: Question) -> list[str]:
    return [_NAMES[grouping] for grouping in question.group_by]


def _columns(question: Question) -> str:
    return "".join(f"row.{name}, " for name in _names(question))


def _restricted(question: Question) -> str:
    filters = question.filters
    conditions = {
        "row.key_id = %(key_id)s": filters.key_id is not None,
        "row.key_id IS NULL": filters.is_console,
        "row.model = %(model)s": filters.model is not None,
        "row.source = %(source)s": filters.source is not None,
    }
    return "".join(f" AND {sql}" for sql, is_asked in conditions.items() if is_asked)


def _page(question: Question) -> str:
    """Return the order of the rows and the bounds of the page; None sorts first."""
    texts = [f"coalesce(':' || {_text(name)}, '') COLLATE \"C\"" for name in _names(question)]
    ordered = ", ".join(["place", *texts])
    bounds = ""
    if question.after is not None:
        given = "".join(f", %(after_{place})s" for place in range(len(texts)))
        bounds = f" WHERE ({ordered}) > (%(after_place)s{given})"
    limit = "" if question.limit is None else " LIMIT %(limit)s"
    return f"{bounds} ORDER BY {ordered}{limit}"


def _text(name: str) -> str:
    """Return a group as text that sorts as it does; UsageRow.cursor writes the same."""
    return "lpad(key_id::text, 19, '0')" if name == "key_id" else name
