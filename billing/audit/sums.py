"""Whether the sums that the usage page shows are those of the request records.

The records are compared with the ledger by the rules; here they are compared with the roll-ups.
Quarter hours must add up to the records of their hour, hours and days to their quarter hours. A
roll-up lists the hours that it has written in usage_uncheckedhour. A recent audit compares these,
the oldest first, and their days; a full one compares everything.

An hour that is marked for the roll-up is behind its records, and the page reads the records
themselves: it is compared once it is rolled up.

The measures are written out here, apart from usage/measures.py: a fault there must show. As in
rules.py, tables above billing in the import map are named in SQL alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# A recent audit reads at most about so many records. The first hour is always compared.
_MOST_RECORDS = 500_000
_MOST_HOURS = 2_000
_MOST_DIFFERENCES = 1_000

_TOKENS = (
    "row.input_tokens + row.output_tokens"
    " + row.cache_creation_input_tokens + row.cache_read_input_tokens"
)
_OF_ROLL_UPS = {
    "requests": "row.requests",
    "errors": "row.errors",
    "tokens": _TOKENS,
    "credits": "row.credits",
}
# A record of further refusals stands for several calls.
_OF_RECORDS = {
    "requests": "coalesce(row.refusals, 1)",
    "errors": "CASE WHEN row.error_type <> '' THEN coalesce(row.refusals, 1) ELSE 0 END",
    "tokens": _TOKENS,
    "credits": "row.credits",
}
MEASURES = tuple(_OF_RECORDS)

_WAITING = """
SELECT workspace_id, starts_at, rolled_at FROM (
    SELECT workspace_id, starts_at, rolled_at,
        sum(requests) OVER (
            ORDER BY rolled_at, workspace_id, starts_at ROWS UNBOUNDED PRECEDING
        ) - requests AS records_before
    FROM (
        SELECT workspace_id, starts_at, rolled_at FROM usage_uncheckedhour AS waiting
        WHERE NOT EXISTS (
            SELECT 1 FROM usage_dirtyhour AS dirty
            WHERE dirty.workspace_id = waiting.workspace_id AND dirty.starts_at = waiting.starts_at)
        ORDER BY rolled_at LIMIT %(hours)s
    ) AS waiting CROSS JOIN LATERAL (
        SELECT coalesce(sum(requests), 0) AS requests FROM usage_hour
        WHERE workspace_id = waiting.workspace_id AND bucket = waiting.starts_at
    ) AS its
) AS waiting WHERE records_before < %(records)s
"""
_EVERYTHING = "{table} AS row"
# The constant bounds let PostgreSQL skip the months before, OFFSET 0 makes it use the index.
_CHOSEN = """
unnest(%(workspaces)s::bigint[], %({unit}s)s::timestamptz[]) AS chosen (workspace_id, starts_at)
CROSS JOIN LATERAL (
    SELECT * FROM {table} WHERE workspace_id = chosen.workspace_id
        AND {moment} >= %(first)s::timestamptz
        AND {moment} < %(last)s::timestamptz + interval '1 {unit}'
        AND {moment} >= chosen.starts_at AND {moment} < chosen.starts_at + interval '1 {unit}'
    OFFSET 0
) AS row
"""
# Of dropped months there are no records: quarter hours stand for them.
_HOURS = """
WITH quarter AS ({quarter}), hour AS ({hour}), recorded AS (
    {recorded}
    UNION ALL
    SELECT * FROM quarter WHERE starts_at < (SELECT kept_since FROM usage_recordretention)
), compared AS (
    SELECT workspace_id, starts_at, {differences}
    FROM recorded FULL JOIN quarter USING (workspace_id, starts_at)
    FULL JOIN hour USING (workspace_id, starts_at)
)
SELECT * FROM compared WHERE ({measures}) <> ({zeros}) AND NOT EXISTS (
    SELECT 1 FROM usage_dirtyhour AS dirty
    WHERE dirty.workspace_id = compared.workspace_id AND dirty.starts_at = compared.starts_at)
ORDER BY starts_at DESC LIMIT {most}
"""
_DAYS = """
WITH quarter AS ({quarter}), day AS ({day}), compared AS (
    SELECT workspace_id, starts_at, {differences}
    FROM quarter FULL JOIN day USING (workspace_id, starts_at)
)
SELECT * FROM compared WHERE ({measures}) <> ({zeros}) ORDER BY starts_at DESC LIMIT {most}
"""
_OFF = "coalesce({0}.{2}, 0) - coalesce({1}.{2}, 0)"


class Hour(NamedTuple):
    """An hour of a workspace, and when it was last rolled up."""

    workspace_id: int
    starts_at: datetime
    rolled_at: datetime


@dataclass(frozen=True)
class Difference:
    """An hour or a day whose sums are wrong, and by how much: what is shown, less what is right.

    What is right is what the ledger has, if the records differ from it.
    """

    workspace_id: int
    since: datetime
    until: datetime
    requests: int
    errors: int
    tokens: int
    credits: int

    def __str__(self) -> str:
        off = ", ".join(f"{getattr(self, name):+} {name}" for name in MEASURES)
        return f"{self.since:%Y-%m-%d %H:%M} of workspace {self.workspace_id}: {off}"


def waiting(
    cursor: Any, *, most_hours: int = _MOST_HOURS, most_records: int = _MOST_RECORDS
) -> list[Hour]:
    """Return the hours that a recent audit compares, those that have waited longest first."""
    cursor.execute(_WAITING, {"hours": most_hours, "records": most_records})
    return [Hour(*row) for row in cursor.fetchall()]


def differences(cursor: Any, hours: Sequence[Hour] | None) -> list[Difference]:
    """Return what is wrong in these hours and their days, or anywhere; the newest first.

    A day is not named for an hour of it that is.
    """
    if hours is None:
        of_hours = _found(cursor, hours_statement(_EVERYTHING), {}, HOUR)
        of_days = _found(cursor, days_statement(_EVERYTHING), {}, DAY)
    elif hours:
        chosen = [(one.workspace_id, one.starts_at) for one in hours]
        of_hours = _found(cursor, hours_statement(_CHOSEN), parameters(chosen, "hours"), HOUR)
        days = sorted({(workspace_id, midnight(at)) for workspace_id, at in chosen})
        of_days = _found(cursor, days_statement(_CHOSEN), parameters(days, "days"), DAY)
    else:
        return []
    named = {(one.workspace_id, midnight(one.since)) for one in of_hours}
    return of_hours + [one for one in of_days if (one.workspace_id, one.since) not in named]


def added_up(differences: Iterable[Difference]) -> list[Difference]:
    """Return one difference for each hour or day: if several were found, their sum."""
    found: dict[tuple[int, datetime, datetime], Difference] = {}
    for one in differences:
        place = (one.workspace_id, one.since, one.until)
        other = found.get(place, Difference(*place, 0, 0, 0, 0))
        sums = {name: getattr(one, name) + getattr(other, name) for name in MEASURES}
        found[place] = replace(one, **sums)
    return list(found.values())


def midnight(moment: datetime) -> datetime:
    """Return the start of its day, which is one of UTC."""
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def hours_statement(source: str = _CHOSEN) -> str:
    """Return the statement that compares hours."""
    columns = []
    for name in MEASURES:
        quarter, hour = (_OFF.format(level, "recorded", name) for level in ("quarter", "hour"))
        columns.append(f"coalesce(nullif({quarter}, 0), {hour}) AS {name}")
    return _HOURS.format(
        recorded=_sums(source, "usage_requestrecord", "accepted_at", "hour", _OF_RECORDS),
        quarter=_sums(source, "usage_quarter", "bucket", "hour", _OF_ROLL_UPS),
        hour=_sums(source, "usage_hour", "bucket", "hour", _OF_ROLL_UPS),
        differences=", ".join(columns),
        **_NAMED,
    )


def days_statement(source: str = _CHOSEN) -> str:
    """Return the statement that compares days."""
    return _DAYS.format(
        quarter=_sums(source, "usage_quarter", "bucket", "day", _OF_ROLL_UPS),
        day=_sums(source, "usage_day", "bucket", "day", _OF_ROLL_UPS),
        differences=", ".join(
            f"{_OFF.format('day', 'quarter', name)} AS {name}" for name in MEASURES
        ),
        **_NAMED,
    )


def parameters(starts: Sequence[tuple[int, datetime]], name: str) -> dict[str, Any]:
    """Return the parameters of a statement about these hours or days, each with its workspace."""
    workspaces, moments = zip(*starts, strict=True)
    return {
        "workspaces": list(workspaces),
        name: list(moments),
        "first": min(moments),
        "last": max(moments),
    }


_NAMED = {
    "measures": ", ".join(MEASURES),
    "zeros": ", ".join("0" for _ in MEASURES),
    "most": _MOST_DIFFERENCES,
}


def _sums(source: str, table: str, moment: str, unit: str, measures: dict[str, str]) -> str:
    """Return the query of a table's sums by workspace and hour or day."""
    sums = ", ".join(f"sum({sql})::bigint AS {name}" for name, sql in measures.items())
    return (
        f"SELECT row.workspace_id, date_trunc('{unit}', row.{moment}, 'UTC') AS starts_at, {sums}"
        f" FROM {source.format(table=table, moment=moment, unit=unit)} GROUP BY 1, 2"
    )


def _found(
    cursor: Any, statement: str, given: dict[str, Any], length: timedelta
) -> list[Difference]:
    cursor.execute(statement, given)
    return [
        Difference(workspace_id, since, since + length, *measures)
        for workspace_id, since, *measures in cursor.fetchall()
    ]
