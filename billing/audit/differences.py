"""Keeps which sums of usage are wrong, for the pages of their workspaces, until they are right."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime

from django.db import connection, transaction

from billing.audit.sums import DAY, HOUR, MEASURES, Difference, Hour, midnight
from billing.models import UsageDifference

# What was rolled up again meanwhile is compared once more; no lock is waited for.
_CHECKED = """
DELETE FROM usage_uncheckedhour WHERE (workspace_id, starts_at) IN (
    SELECT workspace_id, starts_at FROM usage_uncheckedhour JOIN unnest(
        %s::bigint[], %s::timestamptz[], %s::timestamptz[]
    ) AS compared (workspace_id, starts_at, rolled_at) USING (workspace_id, starts_at, rolled_at)
    FOR UPDATE OF usage_uncheckedhour SKIP LOCKED)
"""
_CHECK_AGAIN = """
INSERT INTO usage_uncheckedhour (workspace_id, starts_at)
SELECT DISTINCT * FROM unnest(%s::bigint[], %s::timestamptz[])
ON CONFLICT (workspace_id, starts_at) DO NOTHING
"""
# Of dropped months there is nothing that could be summed up again.
_ROLL_UP_AGAIN = """
INSERT INTO usage_dirtyhour (workspace_id, starts_at)
SELECT DISTINCT * FROM unnest(%s::bigint[], %s::timestamptz[]) AS hour (workspace_id, starts_at)
WHERE starts_at >= coalesce((SELECT kept_since FROM usage_recordretention), '-infinity')
"""
_Place = tuple[int, datetime, datetime]


@transaction.atomic
def keep(found: Sequence[Difference], hours: Sequence[Hour] | None) -> None:
    """Keep what an audit has found in these hours and their days, or anywhere.

    What is new is rolled up again, once: that mends the sums unless the roll-up itself is wrong.
    All of it is compared again by the next audit, and forgotten when it is right.
    """
    known = {(one.workspace_id, one.since, one.until): one for one in UsageDifference.objects.all()}
    wrong = {(one.workspace_id, one.since, one.until): one for one in found}
    compared = None if hours is None else _compared(hours)
    right = [
        row.pk
        for place, row in known.items()
        if place not in wrong and (compared is None or place in compared)
    ]
    UsageDifference.objects.filter(pk__in=right).delete()
    UsageDifference.objects.bulk_create(
        [UsageDifference(**asdict(one)) for one in found],
        update_conflicts=True,
        unique_fields=["workspace", "since", "until"],
        update_fields=MEASURES,
    )
    with connection.cursor() as cursor:
        if hours:
            cursor.execute(_CHECKED, [list(column) for column in zip(*hours, strict=True)])
        if wrong:
            cursor.execute(_CHECK_AGAIN, _starts(wrong))
        if new := wrong.keys() - known.keys():
            cursor.execute(_ROLL_UP_AGAIN, _starts(new))


def _compared(hours: Sequence[Hour]) -> set[_Place]:
    days = {(one.workspace_id, midnight(one.starts_at)) for one in hours}
    return {(one.workspace_id, one.starts_at, one.starts_at + HOUR) for one in hours} | {
        (workspace_id, day, day + DAY) for workspace_id, day in days
    }


def _starts(places: Collection[_Place]) -> list[list[object]]:
    return [[place[0] for place in places], [place[1] for place in places]]
