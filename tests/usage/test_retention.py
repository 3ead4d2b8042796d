"""Old months of records are dropped once they are rolled up; their sums stay."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import Workspace
from billing.ledger.wallets import wallet_of
from billing.models import Hold, HoldState, Source
from tests.support import people
from tests.support.reading import text_of
from tests.support.request_records import a_record, spread
from usage import kept, log_filters, retention, roll_up
from usage.exports import tables
from usage.models import DirtyHour, RecordRetention, RequestRecord
from usage.reading import Grouping, Question, UsageRow, Width, usage

pytestmark = pytest.mark.django_db(transaction=True)
JANUARY = datetime(2024, 1, 1, tzinfo=UTC)
FEBRUARY = datetime(2024, 2, 1, tzinfo=UTC)
TABLES = ["usage_requestrecord_2024_01", "usage_requestrecord_2024_02"]
YEAR = timedelta(days=365)


@pytest.fixture
def workspace() -> Workspace:
    """A workspace with four calls in January, two in February, and one of today."""
    with connection.cursor() as cursor:
        for month in (JANUARY, FEBRUARY):
            cursor.execute("SELECT usage_ensure_partition(%s)", [month])
    own = people.workspace_of(people.new_person())
    spread(own, [JANUARY + n * timedelta(minutes=7) for n in range(4)])
    spread(own, [FEBRUARY, FEBRUARY + timedelta(days=3), timezone.now()])
    return own


@pytest.fixture(autouse=True)
def _no_old_months() -> Iterator[None]:
    yield
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"DROP TABLE IF EXISTS {table}")


def months(workspace: Workspace) -> list[UsageRow]:
    return usage(
        Question(
            workspace_id=workspace.pk,
            since=JANUARY,
            until=timezone.now() + timedelta(minutes=1),
            width=Width.MONTH,
        )
    )


def test_sums_stay_when_their_records_are_gone(workspace: Workspace) -> None:
    roll_up.roll_up()
    before = months(workspace)

    assert retention.drop_old_months(kept=YEAR) == TABLES
    assert retention.drop_old_months(kept=YEAR) == []

    assert RequestRecord.objects.filter(workspace=workspace).count() == 1
    assert months(workspace) == before
    assert kept.since() == datetime(2024, 3, 1, tzinfo=UTC)


def test_sums_of_sessions_go_with_their_records(workspace: Workspace) -> None:
    """Their calls count as those without a session then; a later month keeps its sessions."""
    march = datetime(2024, 3, 1, tzinfo=UTC)
    spread(workspace, [JANUARY, FEBRUARY], session_id="s")
    kept = timezone.now() - march + timedelta(days=1)
    roll_up.roll_up()

    assert retention.drop_old_months(kept=kept) == TABLES[:1]

    for table in ("usage_session_quarter", "usage_session_day"):
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT bucket FROM {table} WHERE workspace_id = %s", [workspace.pk])
            assert cursor.fetchall() == [(FEBRUARY,)]
    by_session = Question(
        workspace_id=workspace.pk,
        since=JANUARY,
        until=march,
        width=Width.MONTH,
        group_by=(Grouping.SESSION,),
    )
    assert [(row.group, row.requests) for row in usage(by_session)] == [
        ((None,), 5),
        ((None,), 2),
        (("s",), 1),
    ]


def test_a_range_before_that_is_exact_to_the_quarter_hour(workspace: Workspace) -> None:
    roll_up.roll_up()
    since, until = JANUARY + timedelta(minutes=7), JANUARY + timedelta(minutes=16)
    question = Question(workspace_id=workspace.pk, since=since, until=until)
    assert [row.requests for row in usage(question)] == [2]

    retention.drop_old_months(kept=YEAR)

    assert [row.requests for row in usage(question)] == [3]  # from 00:00 to 00:15


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("usage?from=2024-01-31&to=2024-03-02", "Of the time before {} sums alone are kept."),
        ("usage/requests?from=2024-01-31T00:00", "Calls before {} are not listed any more, only"),
        ("usage/requests?range=all&stop=none", "Calls before {} are not listed any more."),
    ],
)
def test_pages_of_a_range_before_that_say_so(workspace: Workspace, page: str, words: str) -> None:
    roll_up.roll_up()
    browser = Client()
    browser.force_login(workspace.members.get())
    said = words.format("2024-03-01 00:00:00 UTC")
    assert said not in text_of(browser.get(f"/developers/{page}"))

    retention.drop_old_months(kept=YEAR)

    assert said in text_of(browser.get(f"/developers/{page}"))
    for later in ("usage?from=2024-03-02&to=2024-04-01", "usage/requests?from=2024-03-01T00:00"):
        assert "before 2024-03-01" not in text_of(browser.get(f"/developers/{later}"))


@pytest.mark.parametrize("page", ["usage", "usage/requests"])
def test_nobody_is_told_of_no_calls_where_their_sums_are_kept(
    workspace: Workspace, page: str
) -> None:
    roll_up.roll_up()
    retention.drop_old_months(kept=YEAR)
    browser = Client()
    browser.force_login(workspace.members.get())

    text = text_of(browser.get(f"/developers/{page}?from=2024-02-01&to=2024-02-28"))

    assert "listed any more" in text
    assert not any(words in text for words in ("No calls in", "No call in", "first call"))


def test_younger_months_are_kept(workspace: Workspace) -> None:
    roll_up.roll_up()
    until_march = timezone.now() - datetime(2024, 2, 15, tzinfo=UTC)

    assert retention.drop_old_months(kept=until_march) == TABLES[:1]
    assert retention.drop_old_months(kept=timedelta(days=36_500)) == []


def test_a_month_that_is_not_rolled_up_is_kept(workspace: Workspace) -> None:
    assert retention.drop_old_months(kept=YEAR) == []
    assert kept.since() is None

    roll_up.roll_up()
    assert retention.drop_old_months(kept=YEAR) == TABLES


@pytest.mark.parametrize("state", [HoldState.HELD, HoldState.VOIDED])
def test_a_month_with_a_hold_is_kept(workspace: Workspace, state: HoldState) -> None:
    """While there is a hold, its record may still come."""
    roll_up.roll_up()
    is_closed = state != HoldState.HELD
    hold = Hold.objects.create(
        wallet=wallet_of(workspace),
        id="00000000-0000-0000-0000-000000000001",
        source=Source.API,
        amount=5,
        owner=1,
        state=state,
        accepted_at=FEBRUARY + timedelta(days=3),
        closed_at=FEBRUARY + timedelta(days=3) if is_closed else None,
    )

    assert retention.drop_old_months(kept=YEAR) == TABLES[:1]
    hold.delete()
    assert retention.drop_old_months(kept=YEAR) == TABLES[1:]


def test_a_mark_of_a_dropped_month_changes_no_sums(workspace: Workspace) -> None:
    roll_up.roll_up()
    before = months(workspace)
    retention.drop_old_months(kept=YEAR)
    DirtyHour.objects.create(workspace=workspace, starts_at=JANUARY)

    assert months(workspace) == before
    roll_up.roll_up()
    assert months(workspace) == before
    assert not DirtyHour.objects.exists()


def test_a_month_that_is_being_read_is_left_for_later(workspace: Workspace) -> None:
    roll_up.roll_up()
    with psycopg.connect(**connection.get_connection_params()) as reader:
        reader.execute(f"SELECT count(*) FROM {TABLES[0]}")
        assert retention.drop_old_months(kept=YEAR) == []

    assert not RecordRetention.objects.exists()
    assert retention.drop_old_months(kept=YEAR) == TABLES


def test_a_new_record_of_an_old_workspace_is_counted(workspace: Workspace) -> None:
    roll_up.roll_up()
    retention.drop_old_months(kept=YEAR)
    spread(workspace, [a_record(workspace).accepted_at], credits=5)

    assert sum(row.credits for row in months(workspace)) == 7 * 12 + 5


def test_a_file_of_calls_tells_the_totals_of_those_that_are_kept(workspace: Workspace) -> None:
    roll_up.roll_up()
    retention.drop_old_months(kept=YEAR)
    spread(workspace, [timezone.now()], credits=5)
    wanted = log_filters.parse({"range": "all"}, now=timezone.now())
    table = tables.records(workspace.pk, wanted, kept_since=kept.since())

    assert table.rolled_up
    with connection.cursor() as cursor:
        assert cursor.execute(*table.totals).fetchone() == (2, 12 + 5)


def test_a_file_of_sums_has_the_months_whose_records_are_gone(workspace: Workspace) -> None:
    """Also from the middle of a quarter hour, and with an hour of theirs that is marked again."""
    roll_up.roll_up()
    retention.drop_old_months(kept=YEAR)
    DirtyHour.objects.create(workspace_id=workspace.pk, starts_at=JANUARY)
    spread(workspace, [timezone.now()])  # an hour that is not rolled up
    question = Question(
        workspace_id=workspace.pk,
        since=JANUARY + timedelta(minutes=3),
        until=timezone.now() + timedelta(minutes=1),
        width=Width.DAY,
        group_by=(Grouping.MODEL,),
    )
    table = tables.sums(question, kept_since=kept.since())

    with connection.cursor() as cursor:
        cursor.execute(*table.totals)
        rows, credits = cursor.fetchone()

    assert (rows, credits) == (4, 8 * 12)
