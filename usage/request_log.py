"""The log of calls in pages, newest first.

Keyset pagination: page 1,000 costs no more than the first, and new calls shift no page. A filter is
tested on the NEWEST calls, and where these do not fill the page on at most SEARCHED, so that a rare
value costs little more than a common one; the page then says how far back it has searched, and the
next one goes on from there. Days that have no call that passes, as roll-ups know, are passed over.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from zlib import crc32

from django.db import connection

from keys.models import ApiKey
from usage import log_days
from usage.log_filters import LogFilter
from usage.ranges import Period
from usage.records import Record

PAGE_SIZE = 50
NEWEST = 1_000
SEARCHED = 20_000
_SEEN_IN = 500  # calls whose values are offered as filters


class Cursor(NamedTuple):
    """The last call of a page; the next page begins after it. In an address: <time>_<id>."""

    accepted_at: datetime
    id: UUID

    def __str__(self) -> str:
        return f"{self.accepted_at:%Y%m%dT%H%M%S.%fZ}_{self.id.hex}"

    @classmethod
    def parse(cls, text: str) -> "Cursor | None":
        """Parse the output of str(); return None for anything else."""
        moment, _, hex_id = text.partition("_")
        try:
            accepted_at = datetime.strptime(f"{moment}+0000", "%Y%m%dT%H%M%S.%fZ%z")
            return cls(accepted_at, UUID(hex=hex_id))
        except ValueError:
            return None


class LoggedCall(NamedTuple):
    """A call as a row of the log; the fields are RequestRecord's."""

    id: UUID
    accepted_at: datetime
    key_id: int | None
    source: str
    requested_model: str
    resolved_model: str
    is_stream: bool
    status: int
    error_type: str
    ending: str
    stop_reason: str
    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    credits: int
    first_byte_ms: int | None
    duration_ms: int
    refusals: int | None
    session_id: str | None
    tags: list[str] | None
    error_code: str | None

    @property
    def all_input_tokens(self) -> int:
        """All input, cached or not: the three classes are disjoint."""
        return self.input_tokens + self.cache_creation_input_tokens + self.cache_read_input_tokens

    @property
    def cached_share(self) -> float | None:
        """The part of the input that was read from the cache; None if none was."""
        if not self.cache_read_input_tokens:
            return None
        return self.cache_read_input_tokens / self.all_input_tokens


class LogRow(NamedTuple):
    """A call with the name of its key; None for a key that is deleted, or none."""

    call: LoggedCall
    key_name: str | None


class LogPage(NamedTuple):
    """Calls, newest first, and the cursor of the next page when there may be older ones.

    `searched_to` is set for a page that is not full: it searched back to that moment.
    """

    rows: list[LogRow]
    older: Cursor | None
    searched_to: datetime | None = None

    @property
    def version(self) -> str:
        """A text that changes with the calls of the page."""
        shown = [(row.call.id.int, row.call.refusals) for row in self.rows]
        return f"{crc32(repr(shown).encode()):x}"


_COLUMNS = ", ".join(LoggedCall._fields)
# The constants bound the partitions that are read; the row comparison alone would not.
_WITHIN = (
    "workspace_id = %(workspace_id)s AND accepted_at >= %(since)s::timestamptz"
    " AND accepted_at < %(until)s::timestamptz"
)
_BEFORE = (
    " AND accepted_at <= %(before_at)s::timestamptz"
    " AND (accepted_at, id) < (%(before_at)s::timestamptz, %(before_id)s::uuid)"
)
_ORDER = "ORDER BY accepted_at DESC, id DESC"


def page_query(wanted: LogFilter, before: Cursor | None) -> str:
    """Return the query of a page that has its calls among the newest: it reads NEWEST at most,
    through the primary key, or those that an index of the filter finds."""
    return f"""
SELECT {_COLUMNS} FROM (
    SELECT {_COLUMNS} FROM usage_requestrecord WHERE {_within(wanted, before)}
    {_ORDER} LIMIT {NEWEST}
) AS newest WHERE {wanted.condition} {_ORDER} LIMIT {PAGE_SIZE + 1}
"""  # noqa: S608 (constants, and conditions of constants)


def search_query(wanted: LogFilter, before: Cursor | None) -> str:
    """Return the query of a page of rarer calls. It reads all back to the parameters `last_at` and
    `last_id`, and tests them where they are read, which a limit would not allow."""
    return f"""
SELECT {_COLUMNS} FROM usage_requestrecord WHERE {_within(wanted, before)}
    AND accepted_at >= %(last_at)s::timestamptz
    AND (accepted_at, id) >= (%(last_at)s::timestamptz, %(last_id)s::uuid)
    AND {wanted.condition} {_ORDER} LIMIT {PAGE_SIZE + 1}
"""  # noqa: S608 (constants, and conditions of constants)


def _within(wanted: LogFilter, before: Cursor | None) -> str:
    return f"{_WITHIN}{_BEFORE if before else ''} AND {wanted.indexed}"


def page_parameters(workspace_id: int, wanted: LogFilter, before: Cursor | None) -> dict[str, Any]:
    """Return the parameters of `page_query`."""
    cursor = {"before_at": before.accepted_at, "before_id": before.id} if before else {}
    within = {"workspace_id": workspace_id, "since": wanted.since, "until": wanted.until}
    return {**wanted.parameters, **within, **cursor}


def log_page(workspace_id: int, wanted: LogFilter, *, before: Cursor | None = None) -> LogPage:
    """Return the calls that pass the filter and are older than `before`."""
    parameters = page_parameters(workspace_id, wanted, before)
    if wanted.is_searched:
        # Days without a call that passes are not searched.
        newest = log_days.newest_match(workspace_id, wanted, until=_end(wanted, before))
        if newest is None:
            return LogPage([], None)
        parameters["until"] = min(parameters["until"], newest)
    calls, last = _calls(page_query(wanted, before), parameters), None
    if len(calls) <= PAGE_SIZE and wanted.is_searched:
        last = _last_searched(wanted, before, parameters)
        bound = last or Cursor(wanted.since, UUID(int=0))
        parameters |= {"last_at": bound.accepted_at, "last_id": bound.id}
        calls = _calls(search_query(wanted, before), parameters)
    page = calls[:PAGE_SIZE]
    if len(calls) > PAGE_SIZE:
        return LogPage(_with_keys(page), Cursor(page[-1].accepted_at, page[-1].id))
    return LogPage(_with_keys(page), last, last and last.accepted_at)


def _end(wanted: LogFilter, before: Cursor | None) -> datetime:
    """Return a moment after all calls that the page can have; some share the cursor's moment."""
    if before is None:
        return wanted.until
    return min(wanted.until, before.accepted_at + timedelta(microseconds=1))


def latest_calls(period: Period, *, limit: int) -> list[LogRow]:
    """Return the newest calls of a period."""
    query = f"SELECT {_COLUMNS} FROM usage_requestrecord WHERE {_WITHIN} {_ORDER} LIMIT %(limit)s"  # noqa: S608
    rows = _rows(query, {**period._asdict(), "limit": limit})
    return _with_keys([LoggedCall(*row) for row in rows])


def neighbours(call: Record) -> tuple[UUID | None, UUID | None]:
    """Return the ids of the workspace's next newer and next older call."""
    at = {"workspace_id": call.workspace_id, "at": call.accepted_at, "id": call.id}
    newer = _rows(_NEWER, at)
    older = _rows(_OLDER, at)
    return (newer[0][0] if newer else None), (older[0][0] if older else None)


_NEWER = (
    "SELECT id FROM usage_requestrecord WHERE workspace_id = %(workspace_id)s"
    " AND accepted_at >= %(at)s::timestamptz"
    " AND (accepted_at, id) > (%(at)s::timestamptz, %(id)s::uuid)"
    " ORDER BY accepted_at, id LIMIT 1"
)
_OLDER = (
    "SELECT id FROM usage_requestrecord WHERE workspace_id = %(workspace_id)s"
    " AND accepted_at <= %(at)s::timestamptz"
    " AND (accepted_at, id) < (%(at)s::timestamptz, %(id)s::uuid)"
    " ORDER BY accepted_at DESC, id DESC LIMIT 1"
)


class SeenValues(NamedTuple):
    """The values that calls of the range have, to choose filters from."""

    models: list[str]
    errors: list[str]
    stops: list[str]
    tags: list[str]
    sessions: list[str]


def seen_values(workspace_id: int, wanted: LogFilter) -> SeenValues:
    """Return the values of the newest calls of the range, and those that roll-ups have, each
    once."""
    query = (
        "SELECT resolved_model, error_code, stop_reason,"  # noqa: S608
        f" session_id, tags FROM usage_requestrecord WHERE {_WITHIN} {_ORDER} LIMIT {_SEEN_IN}"
    )
    within = {"workspace_id": workspace_id, "since": wanted.since, "until": wanted.until}
    models, errors, stops, sessions, tags = zip(
        *(_rows(query, within) or [("", "", "", "", [])]), strict=True
    )
    every_tag = (tag for several in tags for tag in several or ())
    rolled = log_days.values(workspace_id, wanted)
    return SeenValues(
        models=_each_once([*models, *rolled.models]),
        errors=_each_once([*errors, *rolled.errors]),
        stops=_each_once(stops),
        tags=_each_once([*every_tag, *rolled.tags]),
        sessions=_each_once([*sessions, *rolled.sessions]),
    )


def _last_searched(
    wanted: LogFilter, before: Cursor | None, parameters: dict[str, Any]
) -> Cursor | None:
    """Return the last call that the page searched; None if it searched all that there are."""
    query = (
        f"SELECT accepted_at, id FROM usage_requestrecord WHERE {_within(wanted, before)}"  # noqa: S608
        f" {_ORDER} OFFSET {SEARCHED - 1} LIMIT 1"
    )
    rows = _rows(query, parameters)
    return Cursor(*rows[0]) if rows else None


def _calls(query: str, parameters: dict[str, Any]) -> list[LoggedCall]:
    return [LoggedCall(*row) for row in _rows(query, parameters)]


def _with_keys(calls: list[LoggedCall]) -> list[LogRow]:
    ids = {call.key_id for call in calls if call.key_id is not None}
    names = dict(ApiKey.objects.filter(pk__in=ids).values_list("pk", "name")) if ids else {}
    return [LogRow(call, names.get(call.key_id or 0)) for call in calls]


def _each_once(values: Iterable[str | None]) -> list[str]:
    return sorted({value for value in values if value})


def _rows(query: str, parameters: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())
