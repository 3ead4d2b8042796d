"""Records are in their month's partition, also when it is made late."""

from datetime import datetime, timedelta

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Workspace
from tests.support.request_records import a_record, spread, write
from usage import partitions
from usage.models import RequestRecord


def name_of_partition(month: datetime) -> str:
    return f"usage_requestrecord_{month:%Y_%m}"


def drop_partition(month: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {name_of_partition(month)}")


def rows_by_partition() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tableoid::regclass::text, count(*) FROM usage_requestrecord GROUP BY 1"
        )
        return dict(cursor.fetchall())


def test_records_that_came_before_their_partition_are_moved_into_it(workspace: Workspace) -> None:
    now = timezone.now()
    drop_partition(now)
    spread(workspace, [now, now + timedelta(seconds=1), now.replace(year=2001)])
    assert rows_by_partition() == {"usage_requestrecord_rest": 3}

    assert partitions.ensure() == 1
    write(a_record(workspace, at=now + timedelta(seconds=2)))

    assert rows_by_partition() == {name_of_partition(now): 3, "usage_requestrecord_rest": 1}
    assert RequestRecord.objects.filter(workspace=workspace).count() == 4


def test_a_second_time_nothing_is_made(workspace: Workspace) -> None:
    drop_partition(timezone.now())

    assert [partitions.ensure(), partitions.ensure()] == [1, 0]


@pytest.mark.django_db(transaction=True)
def test_a_month_that_cannot_be_locked_is_left_for_later_and_does_not_block_the_others() -> None:
    now = timezone.now()
    drop_partition(now)
    with psycopg.connect(**connection.get_connection_params()) as reader:
        reader.execute("SELECT count(*) FROM usage_requestrecord_rest")
        assert partitions.ensure() == 0
        reader.execute("SELECT count(*) FROM usage_requestrecord")

    assert partitions.ensure() == 1


def test_every_partition_has_the_columns_of_the_table(db: None) -> None:
    """Those made before a column was added, and the one made since."""
    drop_partition(timezone.now())
    partitions.ensure()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT array_agg(attname ORDER BY attnum) FROM pg_attribute"
            " WHERE attnum > 0 AND attrelid IN (SELECT relid FROM pg_partition_tree(%s))"
            " GROUP BY attrelid",
            ["usage_requestrecord"],
        )
        [(columns,)] = cursor.fetchall()
    assert "refusals" in columns
