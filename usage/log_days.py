"""What roll-ups know of the calls that the log shows: which days have some, and how many pass.

So a value that is rare, or that no recent call has, is found without reading all calls since.
"""

from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from usage.kept import Kept
from usage.log_filters import FAILED, SUCCEEDED, LogFilter, of_roll_ups
from usage.measures import OTHER_TAGS
from usage.reading import Filters, Grouping, Question, State, usage
from web.filter_values import NO_KEY

_MOST_VALUES = 50
# Roll-ups that are looked at for values, the newest first.
_MOST_ROWS = 2_000
# A parameter of the log, or with its value, and the condition on the roll-up of a day that has a
# call which passes it. All that are set hold of one row.
_OF_A_DAY: dict[str | tuple[str, str], str] = {
    ("key", NO_KEY): "key_id IS NULL",
    ("status", SUCCEEDED): "requests > errors",
    ("status", FAILED): "errors > 0",
    "key": "key_id = %(key)s",
    "model": "model = %(model)s",
    "source": "source = %(source)s",
    "error": "errors_by_code ? %(error)s",
}
_IN_DAYS = (
    "workspace_id = %(workspace_id)s AND bucket < %(until)s::timestamptz"
    " AND bucket > %(since)s::timestamptz - interval '1 day'"
)
_NEWEST = """
SELECT greatest(least({newest}), (
    SELECT max(starts_at) + interval '1 hour' FROM usage_dirtyhour
    WHERE workspace_id = %(workspace_id)s AND starts_at < %(until)s::timestamptz
))
"""
_NEWEST_DAY = (
    "(SELECT coalesce(max(bucket) + interval '1 day', '-infinity') FROM {table}"
    f" WHERE {_IN_DAYS} AND {{condition}})"
)


def newest_match(workspace_id: int, wanted: LogFilter, *, until: datetime) -> datetime | None:
    """Return a moment from which on, and before `until`, no call passes the filter; at most a day
    after the newest call that does. None if there is no such call."""
    days = [_NEWEST_DAY.format(table="usage_day", condition=_condition(wanted))]
    if "tag" in wanted.narrowing:
        # A tag beyond the day's first ones is counted under the empty one.
        condition = f"tag IN (%(tag)s, '{OTHER_TAGS}')"
        days.append(_NEWEST_DAY.format(table="usage_tag_day", condition=condition))
    within = {"workspace_id": workspace_id, "since": wanted.since, "until": until}
    # Python has no infinite moments.
    query = f"SELECT nullif(({_NEWEST.format(newest=', '.join(days))}), '-infinity')"
    [[found]] = _rows(query, wanted.parameters | within)
    return None if found is None else min(found, until)


def _condition(wanted: LogFilter) -> str:
    known = (
        _OF_A_DAY.get((name, text)) or _OF_A_DAY.get(name)
        for name, text in wanted.narrowing.items()
    )
    return " AND ".join(one for one in known if one) or "true"


class Values(NamedTuple):
    """Values that calls of a range have, the newest first."""

    models: list[str]
    errors: list[str]
    tags: list[str]
    sessions: list[str]


def values(workspace_id: int, wanted: LogFilter) -> Values:
    """Return the values of the newest roll-ups of the range, at most fifty of each kind."""
    within = {"workspace_id": workspace_id, "since": wanted.since, "until": wanted.until}

    def newest(table: str, value: str) -> list[str]:
        query = (
            f"SELECT value FROM (SELECT bucket, {value} AS value FROM {table}"
            f" WHERE {_IN_DAYS} ORDER BY bucket DESC LIMIT {_MOST_ROWS}) AS newest"
            f" GROUP BY value ORDER BY max(bucket) DESC LIMIT {_MOST_VALUES}"
        )
        return [value for [value] in _rows(query, within) if value]

    return Values(
        models=newest("usage_day", "model"),
        errors=newest("usage_day", "jsonb_object_keys(errors_by_code)"),
        tags=newest("usage_tag_day", "tag"),
        sessions=newest("usage_session_quarter", "session_id"),
    )


class Total(NamedTuple):
    """How many calls pass a filter, refused ones too; their credits if those are known."""

    calls: int
    credits: int | None = None


def total(workspace_id: int, wanted: LogFilter, *, retention: Kept | None = None) -> Total | None:
    """Return how many calls of the range pass; None if no roll-up has the filter's values."""
    narrowing = dict(wanted.narrowing)
    error, status = narrowing.pop("error", None), narrowing.pop("status", None)
    filters = _filters(workspace_id, wanted, narrowing)
    is_counted = status in (None, SUCCEEDED, FAILED)
    if filters is None or not is_counted or not wanted.since < wanted.until:
        return None
    if error and (status or filters.tag or filters.session):  # errors are counted by key and model
        return None
    rows = usage(
        Question(
            workspace_id=workspace_id,
            since=wanted.since,
            until=wanted.until,
            group_by=(Grouping.ERROR,) if error else (),
            filters=filters,
        ),
        State(retention.since) if retention else None,
    )
    if error:
        return Total(sum(row.requests for row in rows if row.group == (error,)))
    requests, errors = sum(row.requests for row in rows), sum(row.errors for row in rows)
    if status:
        return Total(errors if status == FAILED else requests - errors)
    return Total(requests, sum(row.credits for row in rows))


def _filters(workspace_id: int, wanted: LogFilter, narrowing: dict[str, str]) -> Filters | None:
    """Return the filters of a question about these calls; None if it cannot be asked."""
    if narrowing.keys() == {"tag"} and not _has_other_tags(workspace_id, wanted):
        return Filters(tag=narrowing["tag"])
    return of_roll_ups(narrowing)


def _has_other_tags(workspace_id: int, wanted: LogFilter) -> bool:
    """Whether some tags of the range are counted together."""
    query = f"SELECT 1 FROM usage_tag_day WHERE {_IN_DAYS} AND tag = '{OTHER_TAGS}' LIMIT 1"
    within = {"workspace_id": workspace_id, "since": wanted.since, "until": wanted.until}
    return bool(_rows(query, within))


def _rows(query: str, parameters: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())
