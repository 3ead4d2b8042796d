"""Rolling up again, late or in parallel gives the same rows: the sums of the records."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.db.transaction import atomic
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts.models import Workspace
from tests.support import people
from tests.support.request_records import a_record, refused, write
from tests.support.roll_ups import contents, falsify, sums_of
from usage import histograms, roll_up
from usage.measures import MOST_TAGS_A_DAY
from usage.models import DirtyHour
from usage.records import Record

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MIDNIGHT = NOON.replace(hour=0)


def rows(workspace: Workspace, level: str = "quarter") -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT bucket, model, requests, refusals, errors, output_tokens, credits"
            f" FROM usage_{level} WHERE workspace_id = %s ORDER BY bucket, model",
            [workspace.pk],
        )
        return list(cursor.fetchall())


def details(workspace: Workspace, level: str) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT errors_by_code::text, latency::text, first_byte::text"
            f" FROM usage_{level} WHERE workspace_id = %s",
            [workspace.pk],
        )
        [row] = cursor.fetchall()
        return tuple(row)


def by_tag(workspace: Workspace, level: str = "quarter") -> dict[str | None, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT tag, sum(requests)::int FROM usage_tag_{level}"
            " WHERE workspace_id = %s GROUP BY tag",
            [workspace.pk],
        )
        return dict(cursor.fetchall())


def test_a_quarter_an_hour_and_a_day_are_the_sums_of_their_records(workspace: Workspace) -> None:
    write(
        a_record(workspace, at=NOON, output_tokens=23, credits=12),
        a_record(
            workspace, at=NOON + timedelta(minutes=14, seconds=59), output_tokens=5, credits=4
        ),
        a_record(workspace, at=NOON + timedelta(minutes=15), output_tokens=1, credits=1),
        a_record(workspace, at=NOON, error_type="api_error", output_tokens=0, credits=0),
        a_record(workspace, at=NOON + timedelta(hours=1), output_tokens=7, credits=6),
        a_record(workspace, at=NOON, resolved_model="another", output_tokens=1, credits=1),
        refused(workspace, at=NOON, refusals=7),
    )

    assert roll_up.roll_up() == 2

    one = timedelta(hours=1)
    assert rows(workspace) == [
        (NOON, "", 7, 7, 7, 0, 0),
        (NOON, "another", 1, 0, 0, 1, 1),
        (NOON, "caicaini/swift", 3, 0, 1, 28, 16),
        (NOON + one / 4, "caicaini/swift", 1, 0, 0, 1, 1),
        (NOON + one, "caicaini/swift", 1, 0, 0, 7, 6),
    ]
    assert rows(workspace, "hour") == [
        (NOON, "", 7, 7, 7, 0, 0),
        (NOON, "another", 1, 0, 0, 1, 1),
        (NOON, "caicaini/swift", 4, 0, 1, 29, 17),
        (NOON + one, "caicaini/swift", 1, 0, 0, 7, 6),
    ]
    assert rows(workspace, "day") == [
        (MIDNIGHT, "", 7, 7, 7, 0, 0),
        (MIDNIGHT, "another", 1, 0, 0, 1, 1),
        (MIDNIGHT, "caicaini/swift", 5, 0, 1, 36, 23),
    ]


def test_errors_are_counted_by_code_and_durations_of_answered_calls_by_slot(
    workspace: Workspace,
) -> None:
    failed = {"ending": "failed", "error_type": "api_error", "credits": 0}
    write(
        a_record(workspace, at=NOON, duration_ms=1, first_byte_ms=None),
        a_record(workspace, at=NOON + timedelta(minutes=20), duration_ms=2, first_byte_ms=0),
        a_record(workspace, at=NOON + timedelta(hours=2), duration_ms=4, first_byte_ms=0),
        a_record(workspace, at=NOON, error_code="upstream_failed", **failed),
        a_record(workspace, at=NOON + timedelta(hours=2), error_code="upstream_failed", **failed),
        a_record(workspace, at=NOON + timedelta(hours=2), **failed),
    )
    roll_up.roll_up()

    assert details(workspace, "day") == (
        '{"api_error": 1, "upstream_failed": 2}',
        "{1,1,0,1}",
        "[0:0]={2}",
    )


def test_the_slots_of_the_database_are_those_of_python(db: None) -> None:
    around = [edge + off for edge in histograms.EDGES for off in (-1, 0, 1)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT usage_slot(ms) FROM unnest(%s::int[]) AS ms", [around])
        slots = [row[0] for row in cursor.fetchall()]

    assert slots == [sum(edge <= ms for edge in histograms.EDGES) for ms in around]


def test_a_second_time_changes_nothing(workspace: Workspace) -> None:
    write(a_record(workspace, at=NOON, tags=("a",)), refused(workspace, at=NOON))
    roll_up.roll_up()
    first = contents(workspace)

    assert roll_up.roll_up() == 0
    DirtyHour.objects.create(workspace=workspace, starts_at=NOON)
    assert roll_up.roll_up() == 1

    assert contents(workspace) == first
    assert sums_of(workspace)["credits"] == 12


def test_a_record_that_comes_late_is_counted_once(workspace: Workspace) -> None:
    write(a_record(workspace, at=NOON))
    roll_up.roll_up()
    write(a_record(workspace, at=NOON, credits=3))

    roll_up.roll_up()

    for level in ("quarter", "hour", "day"):
        assert sums_of(workspace, f"usage_{level}")["requests"] == 2
        assert sums_of(workspace, f"usage_{level}")["credits"] == 15


def test_an_hour_with_a_mark_for_each_of_many_calls_is_summed_up_once(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an outage of the worker. More hours than a statement takes are summed up too."""
    monkeypatch.setattr(roll_up, "_HOURS_PER_STATEMENT", 2)
    hours = [NOON + timedelta(hours=hour) for hour in range(5)]
    for hour in hours:
        write(a_record(workspace, at=hour, credits=12))
    DirtyHour.objects.bulk_create(
        DirtyHour(workspace_id=workspace.pk, starts_at=hour) for hour in hours * 1_000
    )

    assert roll_up.roll_up() == len(hours)
    assert not DirtyHour.objects.exists()
    assert [row[0] for row in rows(workspace)] == hours


def test_hours_that_nobody_marked_are_left_alone(workspace: Workspace) -> None:
    write(a_record(workspace, at=NOON))
    roll_up.roll_up()
    falsify(workspace, NOON, level="quarter", credits=99)
    write(a_record(workspace, at=NOON + timedelta(hours=3)))

    assert roll_up.roll_up() == 1

    assert [row[-1] for row in rows(workspace)] == [99, 12]


seconds = st.integers(0, 3 * 86_400)
kinds = st.sampled_from(["answered", "failed", "refused"])
some_tags = st.lists(st.sampled_from(["a", "b", "c"]), max_size=3, unique=True)
some_session = st.sampled_from([None, "s1", "s2"])
Call = tuple[int, str, int, list[str], str | None]
calls = st.lists(
    st.tuples(seconds, kinds, st.integers(0, 500), some_tags, some_session), max_size=15
)


def record_of(workspace: Workspace, call: Call) -> Record:
    second, kind, credits, tags, session = call
    at = MIDNIGHT + timedelta(seconds=second)
    labels: dict[str, Any] = {"tags": tuple(tags) or None, "session_id": session}
    if kind == "refused":
        return refused(workspace, at=at, refusals=credits or None, **labels)
    if kind == "failed":
        return a_record(workspace, at=at, error_type="api_error", credits=0, **labels)
    return a_record(workspace, at=at, credits=credits, duration_ms=credits, **labels)


@given(batches=st.lists(calls, min_size=1, max_size=4), order=st.randoms())
@hypothesis_settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_rows_do_not_depend_on_the_order_of_records_and_roll_ups(
    db: None, batches: list[Any], order: Any
) -> None:
    """What is rolled up in parts and out of order is what is rolled up at once."""
    workspace = people.workspace_of(people.new_person())
    records = [record_of(workspace, call) for batch in batches for call in batch]
    shuffled = order.sample(records, len(records))
    size = max(1, len(records) // len(batches))
    for first in range(0, len(shuffled), size):
        write(*shuffled[first : first + size])
        roll_up.roll_up()
    in_parts = contents(workspace)
    hours = {record.accepted_at.replace(minute=0, second=0, microsecond=0) for record in records}
    _empty(workspace)
    for hour in hours:
        DirtyHour.objects.create(workspace=workspace, starts_at=hour)

    roll_up.roll_up()

    assert contents(workspace) == in_parts


def _empty(workspace: Workspace) -> None:
    with connection.cursor() as cursor:
        for table in contents(workspace):
            cursor.execute(f"DELETE FROM {table} WHERE workspace_id = %s", [workspace.pk])


@pytest.mark.django_db(transaction=True)
def test_many_at_once_leave_each_hour_right() -> None:
    workspace = people.workspace_of(people.new_person())

    def work(number: int) -> None:
        try:
            write(a_record(workspace, at=NOON + timedelta(hours=number % 3), tags=("a",)))
            roll_up.roll_up()
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(work, range(30)))
    roll_up.roll_up()

    assert [(row[2], row[-1]) for row in rows(workspace)] == [(10, 120)] * 3
    assert sums_of(workspace, "usage_day")["credits"] == 360
    assert by_tag(workspace, "day") == {"a": 30, None: 30}


def test_a_call_counts_under_each_of_its_tags_and_once_in_all(workspace: Workspace) -> None:
    write(
        a_record(workspace, at=NOON, tags=("a", "b")),
        a_record(workspace, at=NOON, tags=("b",)),
        a_record(workspace, at=NOON),
        refused(workspace, at=NOON, tags=("a",), refusals=5),
    )

    roll_up.roll_up()

    for level in ("quarter", "hour", "day"):
        assert by_tag(workspace, level) == {"a": 6, "b": 2, None: 7}


def by_session(workspace: Workspace, level: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT bucket, session_id, requests, credits FROM usage_session_{level}"
            " WHERE workspace_id = %s ORDER BY bucket, session_id",
            [workspace.pk],
        )
        return list(cursor.fetchall())


def test_a_day_of_a_session_is_the_sum_of_its_hours(workspace: Workspace) -> None:
    """Also of those that are not summed up again, and without what other sessions have."""
    hour, day = timedelta(hours=1), timedelta(days=1)
    write(
        *(a_record(workspace, at=MIDNIGHT + n * hour, session_id="a") for n in (0, 7, 23, 24)),
        a_record(workspace, at=MIDNIGHT + hour / 3, session_id="b", credits=5),
        a_record(workspace, at=MIDNIGHT, credits=100),
    )
    roll_up.roll_up()
    write(a_record(workspace, at=MIDNIGHT + 7 * hour, session_id="a", credits=1))
    assert roll_up.roll_up() == 1

    assert by_session(workspace, "day") == [
        (MIDNIGHT, "a", 4, 3 * 12 + 1),
        (MIDNIGHT, "b", 1, 5),
        (MIDNIGHT + day, "a", 1, 12),
    ]
    assert len(by_session(workspace, "quarter")) == 5


def test_the_migration_fills_in_the_days_that_a_roll_up_makes(workspace: Workspace) -> None:
    hours = [MIDNIGHT + timedelta(hours=n) for n in range(0, 60, 7)]
    write(*(a_record(workspace, at=at, session_id=f"s{at.hour % 2}") for at in hours))
    roll_up.roll_up()
    rolled_up = contents(workspace)
    migration = import_module("usage.migrations.0014_session_days")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM usage_session_day")
        cursor.execute(migration.FILL)

    assert len(rolled_up["usage_session_day"]) == 6
    assert contents(workspace) == rolled_up


@pytest.mark.parametrize("says", [None, "SET LOCAL usage.sums_sessions = 'on'"])
def test_a_roll_up_of_a_version_that_leaves_out_days_of_sessions_is_refused(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, says: str | None
) -> None:
    write(a_record(workspace, at=NOON, session_id="s"))
    monkeypatch.setattr(roll_up, "SUMS_SESSIONS", says or "SELECT 1")

    with pytest.raises(DatabaseError, match="leaves out the sums of sessions"), atomic():
        roll_up.roll_up()

    assert DirtyHour.objects.exists()


def tagged(workspace: Workspace, number: int, at: datetime) -> Record:
    return a_record(workspace, at=at, tags=(f"t{number:03}",), credits=1)


def test_tags_beyond_the_first_of_a_day_are_summed_up_together(workspace: Workspace) -> None:
    second = timedelta(seconds=1)
    many = [tagged(workspace, number, NOON + number * second) for number in range(205)]
    write(*many, tagged(workspace, 999, NOON + timedelta(days=1)))

    roll_up.roll_up()

    found = by_tag(workspace)
    assert found[""] == 5
    assert {"t000", "t199", "t999"} <= found.keys()
    assert not {"t200", "t204"} & found.keys()
    assert sum(count for tag, count in found.items() if tag is not None) == 206


def test_a_late_tag_takes_its_place_and_the_last_of_the_first_loses_it(
    workspace: Workspace,
) -> None:
    """Also in hours that were rolled up before."""
    second = timedelta(seconds=1)
    numbers = range(MOST_TAGS_A_DAY)
    write(*(tagged(workspace, number, NOON + number * second) for number in numbers))
    last = MOST_TAGS_A_DAY - 1
    write(tagged(workspace, last, NOON + timedelta(hours=3)))
    write(tagged(workspace, 777, NOON + timedelta(hours=5)))
    roll_up.roll_up()
    assert (by_tag(workspace)[f"t{last}"], by_tag(workspace)[""]) == (2, 1)

    write(tagged(workspace, 777, NOON - timedelta(hours=1)))
    roll_up.roll_up()

    for level in ("quarter", "hour", "day"):
        found = by_tag(workspace, level)
        assert found["t777"] == 2
        assert found[""] == 2
        assert f"t{last}" not in found
    assert not DirtyHour.objects.exists()
