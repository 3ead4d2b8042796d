"""Rolling up again, late or in parallel gives the same rows: the sums of the records."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from accounts.models import Workspace
from tests.support import people
from tests.support.request_records import a_record, write
from usage import roll_up
from usage.models import DirtyHour, UsageHour

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def rows(workspace: Workspace) -> list[tuple[datetime, str, int, int, int, int]]:
    found = UsageHour.objects.filter(workspace=workspace).order_by("starts_at", "model")
    return [
        (hour.starts_at, hour.model, hour.requests, hour.errors, hour.output_tokens, hour.credits)
        for hour in found
    ]


def test_an_hour_is_the_sum_of_its_records(workspace: Workspace) -> None:
    write(
        a_record(workspace, at=NOON, output_tokens=23, credits=12),
        a_record(workspace, at=NOON + timedelta(minutes=59), output_tokens=5, credits=4),
        a_record(workspace, at=NOON, error_type="api_error", output_tokens=0, credits=0),
        a_record(workspace, at=NOON + timedelta(hours=1), output_tokens=7, credits=6),
        a_record(workspace, at=NOON, resolved_model="another", output_tokens=1, credits=1),
    )

    assert roll_up.roll_up() == 2

    assert rows(workspace) == [
        (NOON, "another", 1, 0, 1, 1),
        (NOON, "caicaini/swift", 3, 1, 28, 16),
        (NOON + timedelta(hours=1), "caicaini/swift", 1, 0, 7, 6),
    ]


def test_a_second_time_changes_nothing(workspace: Workspace) -> None:
    write(a_record(workspace, at=NOON))
    roll_up.roll_up()
    first = rows(workspace)

    assert roll_up.roll_up() == 0
    DirtyHour.objects.create(workspace=workspace, starts_at=NOON)
    assert roll_up.roll_up() == 1

    assert rows(workspace) == first == [(NOON, "caicaini/swift", 1, 0, 23, 12)]


def test_a_record_that_comes_late_is_counted_once(workspace: Workspace) -> None:
    write(a_record(workspace, at=NOON))
    roll_up.roll_up()
    write(a_record(workspace, at=NOON, credits=3))

    roll_up.roll_up()

    assert rows(workspace) == [(NOON, "caicaini/swift", 2, 0, 46, 15)]


def test_hours_that_nobody_marked_are_left_alone(workspace: Workspace) -> None:
    write(a_record(workspace, at=NOON))
    roll_up.roll_up()
    UsageHour.objects.update(credits=99)
    write(a_record(workspace, at=NOON + timedelta(hours=3)))

    assert roll_up.roll_up() == 1

    assert [row[-1] for row in rows(workspace)] == [99, 12]


@pytest.mark.django_db(transaction=True)
def test_many_at_once_leave_each_hour_right() -> None:
    workspace = people.workspace_of(people.new_person())

    def work(number: int) -> None:
        try:
            write(a_record(workspace, at=NOON + timedelta(hours=number % 3)))
            roll_up.roll_up()
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(work, range(30)))
    roll_up.roll_up()

    assert [(row[2], row[-1]) for row in rows(workspace)] == [(10, 120)] * 3
