"""A page of sessions reads the buckets that fill it, and others only when it is not full."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from accounts.models import Workspace
from tests.support.request_records import a_record, write
from usage import roll_up
from usage.reading import Grouping, Question, Width, paging, usage

SINCE = datetime(2026, 3, 1, 10, 20, tzinfo=UTC)
DAY = timedelta(days=1)
KATHMANDU = ZoneInfo("Asia/Kathmandu")


def asked(workspace_id: int = 1, **more: Any) -> Question:
    by_day = Question(
        workspace_id=workspace_id,
        since=SINCE,
        until=SINCE + 100 * DAY,
        width=Width.DAY,
        group_by=(Grouping.SESSION,),
        limit=2,
    )
    return replace(by_day, **more)


@pytest.mark.parametrize(
    ("width", "zone", "found", "until"),
    [
        (Width.DAY, UTC, "2026-03-05T00:00Z", "2026-03-06T00:00Z"),
        (Width.DAY, KATHMANDU, "2026-03-05T00:00Z", "2026-03-06T18:15Z"),
        (Width.WEEK, UTC, "2026-03-05T00:00Z", "2026-03-09T00:00Z"),
        (Width.MONTH, UTC, "2026-03-31T00:00Z", "2026-04-01T00:00Z"),
        (Width.HOUR, UTC, "2026-03-05T10:15Z", "2026-03-05T11:00Z"),
        (Width.QUARTER, UTC, "2026-03-05T10:15Z", "2026-03-05T10:30Z"),
        (Width.MONTH, UTC, "2026-06-09T00:00Z", "2026-06-09T10:20Z"),  # the last
    ],
)
def test_it_ends_with_the_bucket_in_which_enough_sessions_are_seen(
    width: Width, zone: ZoneInfo, found: str, until: str
) -> None:
    question = asked(width=width, zone=zone)

    shorter = paging.until_full(question, [(datetime.fromisoformat(found),)])

    assert shorter == replace(question, until=datetime.fromisoformat(until))


def test_it_is_read_whole_where_fewer_sessions_are_seen() -> None:
    assert paging.until_full(asked(), []) == asked()


@pytest.mark.parametrize(
    "more",
    [{"limit": None}, {"width": None}, {"group_by": ()}, {"group_by": (Grouping.MODEL,)}],
)
def test_other_questions_are_read_without_a_probe(more: dict[str, Any]) -> None:
    assert paging.probe(asked(**more)) is None


@pytest.mark.parametrize("group_by", [(Grouping.SESSION,), (Grouping.MODEL,)])
def test_it_begins_with_the_bucket_of_its_cursor(group_by: tuple[Grouping, ...]) -> None:
    moment = datetime(2026, 4, 2, tzinfo=UTC)
    question = asked(after=(moment, (":s",)), group_by=group_by)
    first = asked(after=(SINCE.replace(hour=0, minute=0), (":s",)), group_by=group_by)

    assert paging.from_cursor(question) == replace(question, since=moment)
    assert paging.from_cursor(first) == first


def test_a_page_that_long_sessions_do_not_fill_goes_on(workspace: Workspace) -> None:
    """One has more days in its month than the probe expects of a page."""
    write(
        *(a_record(workspace, at=SINCE + n * DAY, session_id="long") for n in range(15)),
        *(a_record(workspace, at=SINCE + n * 31 * DAY, session_id="b") for n in (1, 2)),
    )
    roll_up.roll_up()

    page = usage(asked(workspace.pk, width=Width.MONTH, limit=3))

    assert [row.group for row in page] == [("long",), ("b",), ("b",)]
    assert [row.requests for row in page] == [15, 1, 1]


def test_each_day_is_counted_whole_on_a_page_of_a_few_days(workspace: Workspace) -> None:
    hours = [SINCE + n * timedelta(hours=5) for n in range(60)]
    write(*(a_record(workspace, at=at, session_id=f"s{at:%d}") for at in hours))
    roll_up.roll_up()
    question = asked(workspace.pk, zone=KATHMANDU)

    everything = usage(replace(question, limit=None))

    assert usage(question) == everything[:2]
    assert usage(replace(question, after=everything[1].cursor)) == everything[2:4]
