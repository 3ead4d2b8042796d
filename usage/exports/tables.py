"""The tables that can be exported: which rows, and which columns in which order. Pure.

A column is an expression in SQL on the row `row`. Texts are written by customers, or by the people
that they serve: in CSV one that a spreadsheet would run as a formula gets an apostrophe.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from billing.models import EntryKind
from usage.log_filters import LogFilter, of_roll_ups
from usage.reading import Filters, Grouping, Question, statement


class Column(NamedTuple):
    """A column of an export."""

    name: str
    sql: str
    is_text: bool = False


class Totals(NamedTuple):
    """The query of the number of rows and the sum of their credits."""

    sql: str
    parameters: dict[str, Any]


class Table(NamedTuple):
    """Rows in SQL, named `row`, with their parameters, columns and the sum that is sent first.

    `rolled_up` has the same totals as the rows, without reading them all. `is_indexed` says that an
    index has the rows in this order, and finds few others.
    """

    name: str
    columns: tuple[Column, ...]
    rows: str
    order: str
    parameters: dict[str, Any]
    credits: str
    rolled_up: Totals | None = None
    is_indexed: bool = False

    @property
    def totals(self) -> Totals:
        """The totals that are sent before the rows."""
        counted = f"SELECT count(*), coalesce(sum({self.credits}), 0)::bigint FROM {self.rows}"  # noqa: S608
        return self.rolled_up or Totals(counted, self.parameters)


class Format(StrEnum):
    """How rows are written."""

    CSV = "csv"
    JSON_LINES = "jsonl"


def _moment(sql: str) -> str:
    return f"""to_char({sql} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


_RECORD_COLUMNS = (
    Column("request_id", "'req_' || replace(row.id::text, '-', '')"),
    Column("accepted_at", _moment("row.accepted_at")),
    Column("key_id", "row.key_id"),
    Column("key", "key.name", is_text=True),
    Column("source", "row.source"),
    Column("requested_model", "row.requested_model", is_text=True),
    Column("model", "row.resolved_model", is_text=True),
    Column("stream", "row.is_stream"),
    Column("status", "row.status"),
    Column("error_type", "row.error_type"),
    Column("error_code", "row.error_code"),
    Column("ending", "row.ending"),
    Column("stop_reason", "row.stop_reason", is_text=True),
    Column("input_tokens", "row.input_tokens"),
    Column("cache_creation_input_tokens", "row.cache_creation_input_tokens"),
    Column("cache_read_input_tokens", "row.cache_read_input_tokens"),
    Column("output_tokens", "row.output_tokens"),
    Column("credits", "row.credits"),
    Column("first_byte_ms", "row.first_byte_ms"),
    Column("duration_ms", "row.duration_ms"),
    Column("requests", "coalesce(row.refusals, 1)"),
    Column("session_id", "row.session_id", is_text=True),
    Column("user", "row.user_label", is_text=True),
    Column("tags", "array_to_string(row.tags, ' ')", is_text=True),
)
_ENTRY_COLUMNS = (
    Column("seq", "row.seq"),
    Column("created_at", _moment("row.created_at")),
    Column("kind", "row.kind"),
    Column("credits", "row.amount"),
    Column("balance_after", "row.balance_after"),
    Column("reference", "row.reference", is_text=True),
    Column("reason", "row.reason", is_text=True),
)
_BUCKET = Column("starts_at", _moment("(%(edges)s::timestamptz[])[row.place]"))
# Per grouping: its columns, and the order of its rows.
_GROUPS = {
    Grouping.KEY: (
        (Column("key_id", "row.key_id"), Column("key", "key.name", is_text=True)),
        "row.key_id NULLS FIRST",
    ),
    Grouping.MODEL: ((Column("model", "row.model", is_text=True),), "row.model"),
    Grouping.SOURCE: ((Column("source", "row.source"),), "row.source"),
    Grouping.TAG: ((Column("tag", "row.tag", is_text=True),), "row.tag NULLS FIRST"),
    Grouping.ERROR: ((Column("error_code", "row.code", is_text=True),), "row.code"),
}
_MEASURES = tuple(
    Column(name, f"row.{name}")
    for name in (
        *("requests", "refusals", "errors", "input_tokens", "output_tokens"),
        *("cache_creation_input_tokens", "cache_read_input_tokens", "credits"),
    )
)
_OF_ERRORS = ("requests", "errors")  # nothing else is known of them
_KEYS = "LEFT JOIN keys_apikey AS key ON key.id = row.key_id"


def records(workspace_id: int, wanted: LogFilter, *, kept_since: datetime | None) -> Table:
    """Return the calls that pass a filter of the log, oldest first.

    Roll-ups have their totals, if they know the filter; of the time before `kept_since` there are
    roll-ups and no calls.
    """
    passing = f"""
    SELECT * FROM usage_requestrecord
    WHERE workspace_id = %(workspace_id)s AND accepted_at >= %(since)s::timestamptz
        AND accepted_at < %(until)s::timestamptz
        AND ({wanted.indexed}) AND ({wanted.condition})
"""  # noqa: S608 (conditions of constants)
    since = wanted.since if kept_since is None else max(wanted.since, kept_since)
    within = {"workspace_id": workspace_id, "since": since, "until": wanted.until}
    parameters = {**wanted.parameters, **within}
    return Table(
        "requests",
        _RECORD_COLUMNS,
        f"({passing}) AS row {_KEYS}",
        "row.accepted_at, row.id",
        parameters,
        "row.credits",
        _rolled_up(passing, parameters, of_roll_ups(wanted.narrowing), kept_since),
        is_indexed=not wanted.has_own_index,
    )


def _rolled_up(
    passing: str, parameters: dict[str, Any], filters: Filters | None, kept_since: datetime | None
) -> Totals | None:
    """Return the totals by the roll-ups, which count each refusal that a record stands for; None if
    they do not know the filters.

    Reading a million records takes a second; those with an error are found by their index.
    """
    if filters is None or not parameters["since"] < parameters["until"]:
        return None
    within = {name: parameters[name] for name in ("workspace_id", "since", "until")}
    question = Question(**within, filters=filters).within_calendar()
    asked = statement.sums(question, kept_since=kept_since)
    further = f"""
SELECT coalesce(sum(refusals - 1), 0) FROM ({passing}) AS row
WHERE error_type <> '' AND refusals > 1
"""  # noqa: S608 (constants)
    sql = f"""
SELECT (coalesce(sum(requests), 0) - ({further}))::bigint, coalesce(sum(credits), 0)::bigint
FROM ({asked.sql}) AS summed
"""  # noqa: S608 (constants)
    return Totals(sql, {**parameters, **asked.parameters})


def sums(question: Question, *, kept_since: datetime | None) -> Table:
    """Return the sums that a question asks for, per bucket and group, oldest first.

    With the columns of its grouping. A call with two tags counts in both of their rows.
    """
    asked = statement.sums(question, kept_since=kept_since)
    groups = [_GROUPS[grouping] for grouping in question.group_by]
    is_of_errors = Grouping.ERROR in question.group_by
    measures = [one for one in _MEASURES if not is_of_errors or one.name in _OF_ERRORS]
    keys = _KEYS if Grouping.KEY in question.group_by else ""
    return Table(
        "usage",
        (_BUCKET, *(column for columns, _ in groups for column in columns), *measures),
        f"({asked.sql}) AS row {keys}",
        ", ".join(["row.place", *(order for _, order in groups)]),
        {**asked.parameters, "edges": asked.edges},
        "row.credits",
    )


def ledger(wallet_id: int, after_seq: int, last_seq: int, kind: EntryKind | None) -> Table:
    """Return the movements of a wallet after one number up to another, oldest first."""
    of_kind = "AND kind = %(kind)s" if kind else ""
    rows = f"""(
    SELECT * FROM billing_ledgerentry
    WHERE wallet_id = %(wallet_id)s AND seq > %(after_seq)s AND seq <= %(last_seq)s {of_kind}
) AS row"""  # noqa: S608 (constants)
    parameters = {
        "wallet_id": wallet_id,
        "after_seq": after_seq,
        "last_seq": last_seq,
        "kind": kind,
    }
    return Table(
        "ledger", _ENTRY_COLUMNS, rows, "row.seq", parameters, "row.amount", is_indexed=True
    )


def settings_of(table: Table) -> str:
    """Return a statement for the transaction that the rows are copied in.

    The planner would read and sort a million rows before the first one is sent, to be done a little
    sooner with the last.
    """
    return f"SET LOCAL enable_sort = {'off' if table.is_indexed else 'on'}"


def copy_query(table: Table, format: Format) -> str:
    """Return the COPY that writes the rows.

    JSON has no control characters: as CSV with one as its quote, a line is written as it is.
    """
    if format is Format.CSV:
        columns = ", ".join(f'{_guarded(column)} AS "{column.name}"' for column in table.columns)
        how = "FORMAT csv, HEADER"
        select = f"SELECT {columns} FROM {table.rows} ORDER BY {table.order}"  # noqa: S608
    else:
        columns = ", ".join(f'{column.sql} AS "{column.name}"' for column in table.columns)
        how = "FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02'"
        rows = f"SELECT {columns} FROM {table.rows} ORDER BY {table.order}"  # noqa: S608
        select = f"SELECT row_to_json(line)::text FROM ({rows}) AS line"  # noqa: S608
    return f"COPY ({select}) TO STDOUT ({how})"


def file_name(table: Table, format: Format, since: datetime, until: datetime) -> str:
    """Return a name for the file: caicaini-requests-2026-11-01-to-2026-11-30.csv."""
    first, last = (f"{moment.astimezone(UTC):%Y-%m-%d}" for moment in (since, until))
    return f"caicaini-{table.name}-{first}-to-{last}.{format.value}"


def _guarded(column: Column) -> str:
    if not column.is_text:
        return column.sql
    return rf"CASE WHEN {column.sql} ~ '^[-=+@\t\r]' THEN '''' ELSE '' END || {column.sql}"
