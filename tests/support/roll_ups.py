"""Reads and changes the roll-ups, which have no models."""

from datetime import datetime
from typing import Any

from django.db import connection

from accounts.models import Workspace
from usage.measures import MEASURES

LEVELS = ("quarter", "hour", "day")
TABLES = (
    *(f"{prefix}_{level}" for prefix in ("usage", "usage_tag") for level in LEVELS),
    *("usage_session_quarter", "usage_session_day"),
)


def contents(workspace: Workspace) -> dict[str, list[tuple[Any, ...]]]:
    """Return a workspace's rows of all roll-ups, in an order that depends on those alone."""
    with connection.cursor() as cursor:
        found = {}
        for table in (*TABLES, "usage_kept_tag"):
            cursor.execute(
                f"SELECT row::text FROM {table} AS row WHERE workspace_id = %s"
                ' ORDER BY row::text COLLATE "C"',
                [workspace.pk],
            )
            found[table] = cursor.fetchall()
        return found


def sums_of(workspace: Workspace, table: str = "usage_quarter", **where: Any) -> dict[str, int]:
    """Return the sum of each measure over a workspace's rows of a roll-up."""
    conditions = "".join(f" AND {name} IS NOT DISTINCT FROM %({name})s" for name in where)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(f'coalesce(sum({name}), 0)::bigint' for name in MEASURES)}"
            f" FROM {table} WHERE workspace_id = %(workspace)s{conditions}",
            {"workspace": workspace.pk, **where},
        )
        row = cursor.fetchone()
    assert row
    return dict(zip(MEASURES, row, strict=True))


def falsify(workspace: Workspace, bucket: datetime, *, level: str, credits: int) -> None:
    """Write other credits into a bucket, to see who reads it."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE usage_{level} SET credits = %s WHERE workspace_id = %s AND bucket = %s",
            [credits, workspace.pk, bucket],
        )
        assert cursor.rowcount == 1
