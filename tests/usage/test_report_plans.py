"""Reports read the records of their period, however much else there is in the table.

A workspace with years of calls, among many others, asks about two days. Each query must find them
through an index, in the partitions of those days alone.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest
from django.db import connection

from accounts.models import Workspace
from billing.audit import sums
from billing.audit.rules import COUNTS, RULES
from tests.support.request_records import a_price
from usage import log_filters, request_log, roll_up, session_roll_up
from usage.exports import tables
from usage.exports.tables import Format
from usage.models import RequestRecord
from usage.ranges import Period
from usage.reading import Filters, Grouping, Question, Width, state_of, statement
from usage.reading.statement import Statement
from usage.request_log import Cursor

SINCE = datetime(2024, 12, 31, 0, 30, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=2)
MONTHS = 24
TOGETHER = (Grouping.MODEL, Grouping.KEY, Grouping.SOURCE)
KATHMANDU = ZoneInfo("Asia/Kathmandu")
PARTITIONS = {"usage_requestrecord_2024_12", "usage_requestrecord_2025_01"}
Plan = dict[str, Any]

_FILL = """
INSERT INTO usage_requestrecord (id, workspace_id, accepted_at, source, requested_model,
    resolved_model, price_id, route, is_stream, status, error_type, ending, stop_reason,
    input_tokens, output_tokens, cache_creation_input_tokens, cache_read_input_tokens,
    is_usage_estimated, credits, lost_credits, duration_ms)
SELECT gen_random_uuid(), CASE WHEN number %% 2 = 0 THEN %s ELSE 1000000 + number %% 50 END,
    timestamptz '2024-01-01 00:10Z' + number * interval '20 minutes', 'api', 'm', 'm', %s, '',
    false, 200, '', 'completed', 'end_turn', 1, 1, 0, 0, false, 1, 0, 5
FROM generate_series(0, %s) AS number
"""


@pytest.fixture
def period(workspace: Workspace) -> Period:
    """Two days at a turn of the year, all of whose hours are marked."""
    with connection.cursor() as cursor:
        for month in range(MONTHS):
            moment = datetime(2024 + month // 12, month % 12 + 1, 1, tzinfo=UTC)
            cursor.execute("SELECT usage_ensure_partition(%s)", [moment])
        cursor.execute(_FILL, [workspace.pk, a_price().pk, 3 * 24 * 365 * MONTHS // 12])
        cursor.execute(
            "INSERT INTO usage_dirtyhour (workspace_id, starts_at)"
            " SELECT %s, generate_series(%s::timestamptz, %s::timestamptz, '1 hour')",
            [workspace.pk, SINCE.replace(minute=0), UNTIL],
        )
        for table in ("usage_requestrecord", "usage_dirtyhour", "usage_hour"):
            cursor.execute(f"ANALYZE {table}")
    return Period(workspace.pk, SINCE, UNTIL)


def assert_reads_only(plan: Plan, period: Period) -> None:
    """Compare what the plan reads of the records with what the period has."""
    scans = scans_of_records(plan)
    expected = RequestRecord.objects.filter(
        workspace_id=period.workspace_id,
        accepted_at__gte=period.since,
        accepted_at__lt=period.until,
    ).count()

    assert {scan["Relation Name"] for scan in scans} <= PARTITIONS
    assert {scan["Node Type"] for scan in scans} <= {
        "Index Scan",
        "Index Only Scan",
        "Bitmap Heap Scan",
    }
    assert 0 < sum(map(rows_read, scans)) <= expected


def scans_of_records(plan: Plan) -> list[Plan]:
    return [node for node in nodes(plan) if node.get("Alias", "").startswith("usage_requestrec")]


def rows_read(scan: Plan) -> int:
    rows: float = scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0)
    return round(rows * int(scan["Actual Loops"]))


def nodes(plan: Plan) -> Iterator[Plan]:
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)


def plan_of(query: str, parameters: dict[str, Any], *, on_the_server: bool = False) -> Plan:
    """Explain it as the portal sends it, or with parameters apart, as the gateway does."""
    assert connection.connection is not None
    cursor_class = psycopg.Cursor if on_the_server else psycopg.ClientCursor
    with cursor_class(connection.connection) as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}", parameters, prepare=False)
        row = cursor.fetchone()
    assert row is not None
    found = row[0] if isinstance(row[0], list) else json.loads(row[0])
    plan: Plan = found[0]["Plan"]
    return plan


@pytest.mark.parametrize("on_the_server", [False, True], ids=["page", "endpoint"])
def test_sums_and_percentiles(period: Period, on_the_server: bool) -> None:
    def assert_good(asked: Statement) -> None:
        plan = plan_of(asked.sql, asked.parameters, on_the_server=on_the_server)
        assert_reads_only(plan, period)

    for width, marked in product((None, *Width), (None, state_of(period.workspace_id).marked)):
        asked = Question(**period._asdict(), width=width, zone=KATHMANDU)
        for group_by in ((), TOGETHER, (Grouping.TAG,), (Grouping.ERROR,)):
            assert_good(statement.sums(replace(asked, group_by=group_by), marked=marked))
        assert_good(statement.slots(asked, marked=marked))
        assert_good(statement.overview(asked, TOGETHER, marked=marked))


def test_without_marked_hours_one_partition_alone_is_planned(period: Period) -> None:
    """That of the quarter hour that the range ends in: the range has others."""
    until = period.until + timedelta(minutes=7)
    asked = Question(workspace_id=period.workspace_id, since=period.since, until=until)
    read = statement.sums(asked, marked=[])

    scans = scans_of_records(plan_of(read.sql, read.parameters))

    assert [scan["Relation Name"] for scan in scans] == ["usage_requestrecord_2025_01"]


def test_a_range_of_whole_quarter_hours_without_marked_ones_reads_no_records(
    period: Period,
) -> None:
    read = statement.sums(Question(**period._asdict()), marked=[])

    assert scans_of_records(plan_of(read.sql, read.parameters)) == []


@pytest.mark.parametrize("on_the_server", [False, True], ids=["page", "endpoint"])
def test_sums_of_sessions(period: Period, on_the_server: bool) -> None:
    """They read records twice at most: those of marked hours, and those with a session."""
    asked = Question(**period._asdict())
    for question in (
        replace(asked, group_by=(Grouping.SESSION,)),
        replace(asked, filters=Filters(session="s1")),
    ):
        of_sessions = statement.sums(question)
        plan = plan_of(of_sessions.sql, of_sessions.parameters, on_the_server=on_the_server)

        scans = scans_of_records(plan)
        assert {scan["Relation Name"] for scan in scans} <= PARTITIONS
        assert not any(scan["Node Type"] == "Seq Scan" for scan in scans)


@pytest.mark.parametrize("asked", [{}, {"key": "7"}, {"model": "m", "source": "api"}])
def test_totals_of_a_file_of_calls(period: Period, asked: dict[str, str]) -> None:
    """They are those of the roll-ups; of these hours, all are marked."""
    within = {"from": period.since.isoformat(), "to": period.until.isoformat()}
    wanted = log_filters.parse({**asked, **within}, now=period.until)
    table = tables.records(period.workspace_id, wanted, kept_since=None)

    plan = plan_of(table.totals.sql, table.totals.parameters, on_the_server=True)

    assert table.rolled_up
    assert_reads_only(plan, period)


@pytest.mark.parametrize(
    "asked", [{}, {"model": "m"}, {"status": "ok", "key": "none"}, {"session": "s1"}], ids=str
)
def test_a_file_of_calls_begins_before_all_of_them_are_read(
    period: Period, asked: dict[str, str]
) -> None:
    """They are sorted only where an index finds a few of them."""
    wanted = log_filters.parse({**asked, "range": "all"}, now=datetime(2026, 1, 1, tzinfo=UTC))
    table = tables.records(period.workspace_id, wanted, kept_since=None)

    with connection.cursor() as cursor:
        cursor.execute(tables.settings_of(table))
    copied = tables.copy_query(table, Format.CSV).removeprefix("COPY ").split(" TO STDOUT")[0]

    plan = plan_of(copied, table.parameters)

    kinds = {node["Node Type"] for node in nodes(plan)}
    assert bool(kinds & {"Sort", "Incremental Sort", "Gather Merge"}) == ("session" in asked)


FILTERS = {
    "none": {},
    "model": {"model": "m"},
    "status": {"status": "ok"},
    "error": {"status": "error"},
    "key": {"key": "none"},
    "source": {"source": "console"},
    "stop": {"stop": "end_turn"},
    "tag": {"tag": "a"},
    "q": {"q": "a"},
    "several": {"model": "m", "status": "ok", "key": "none", "source": "api"},
}


@pytest.mark.parametrize("name", FILTERS)
def test_a_page_of_the_log(period: Period, name: str) -> None:
    """Whatever it is filtered by, and also when nothing passes the filter."""
    asked = {**FILTERS[name], "from": f"{period.since:%Y-%m-%dT%H:%M}"}
    wanted = log_filters.parse({**asked, "to": f"{period.until:%Y-%m-%dT%H:%M}"}, now=UNTIL)
    for before in (None, Cursor(period.until - timedelta(hours=6), UUID(int=2**127))):
        parameters = request_log.page_parameters(period.workspace_id, wanted, before)
        searched = {"last_at": period.since, "last_id": UUID(int=0)}

        assert_reads_only(plan_of(request_log.page_query(wanted, before), parameters), period)
        plan = plan_of(request_log.search_query(wanted, before), parameters | searched)
        if name == "error":  # there is none, as its index knows
            assert sum(map(rows_read, scans_of_records(plan))) == 0
        else:
            assert_reads_only(plan, period)


@pytest.mark.parametrize("asked", [{"session": "s"}, {"error": "e"}])
def test_a_session_or_an_error_that_is_rare_costs_no_search(
    period: Period, asked: dict[str, str]
) -> None:
    """No call has it, and none is read: an index knows that."""
    wanted = log_filters.parse({**asked, "range": "all"}, now=UNTIL)
    query = request_log.page_query(wanted, None)

    plan = plan_of(query, request_log.page_parameters(period.workspace_id, wanted, None))

    scans = [node for node in nodes(plan) if node.get("Alias", "").startswith("usage_requestrec")]
    assert scans
    assert sum(map(rows_read, scans)) == 0


def test_the_recent_audit(period: Period) -> None:
    """It reads the newest month of all workspaces, and no month before."""
    parameters = {
        "since": datetime(2025, 12, 30, tzinfo=UTC),
        "records_since": datetime(2025, 12, 30, tzinfo=UTC),
        "cutoff": datetime(2026, 1, 1, tzinfo=UTC),
        "suspects": [],
        "workspaces": [],
    }
    for query in (COUNTS, *(rule for rule in RULES.values() if "%(records_since)s" in rule)):
        tables = {node.get("Relation Name", "") for node in nodes(plan_of(query, parameters))}

        assert "usage_requestrecord_2025_12" in tables
        assert not any(table.startswith("usage_requestrecord_2024") for table in tables)


def test_the_audit_of_sums(period: Period) -> None:
    hour = SINCE.replace(minute=0)
    hours = [(period.workspace_id, hour + timedelta(hours=number)) for number in range(49)]

    plan = plan_of(sums.hours_statement(), sums.parameters(hours, "hours"))

    assert_reads_only(plan, Period(period.workspace_id, hour, hour + timedelta(hours=49)))


def test_records_have_no_index_that_no_query_here_uses(db: None) -> None:
    """Each settlement writes to all of them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE tablename = 'usage_requestrecord'")
        names = {name.removeprefix("usage_requestrecord_") for (name,) in cursor.fetchall()}

    assert names == {"pkey", "by_moment", "by_error", "by_session"}


@pytest.mark.parametrize("query", [roll_up.QUARTERS, session_roll_up.ROLL_UP])
def test_the_roll_up(period: Period, query: str) -> None:
    hour = SINCE.replace(minute=0)
    hours = [hour + timedelta(hours=number) for number in range(49)]
    marked = roll_up.marked_hours([roll_up.Hour(period.workspace_id, one) for one in hours])
    of_session = RequestRecord.objects.filter(
        workspace_id=period.workspace_id, accepted_at__gte=hour, accepted_at__lt=hours[10]
    )
    assert of_session.update(session_id="s") > 0
    with connection.cursor() as cursor:
        cursor.execute(roll_up.SUMS_SESSIONS)

    plan = plan_of(query, marked)

    assert_reads_only(plan, Period(period.workspace_id, hour, hour + timedelta(hours=49)))
