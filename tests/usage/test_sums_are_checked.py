"""The audit compares the sums that the usage page shows with the calls, and its foot says so."""

import re
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from billing.audit import differences, runs, sums
from billing.audit.report import audit
from billing.models import UsageDifference
from gateway.metering import blocking_apply
from tests.support import people
from tests.support.books import Books, database_url, open_books
from tests.support.reading import text_of
from tests.support.request_records import refused, write
from usage import roll_up
from usage.models import DirtyHour, RecordRetention, RequestRecord, UncheckedHour

OWNER = 7
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
AT_NOON = "1 March 2026, 12:00 to 13:00"
ALL_DAY = "1 March 2026"


@pytest.fixture
def books(transactional_db: None) -> Books:
    """A workspace whose calls of two hours are rolled up, and another one."""
    open_rolled_up()
    return open_rolled_up()


def open_rolled_up() -> Books:
    books = open_books(1_000)
    call(books, 30, at=NOON + MINUTE)
    call(books, 12, at=NOON + 50 * MINUTE)
    call(books, 5, at=NOON + HOUR)
    write(refused(books.workspace, at=NOON + 50 * MINUTE, refusals=4))
    roll_up.roll_up()
    return books


def call(books: Books, credits: int, *, at: datetime) -> None:
    one = books.call(50, accepted_at=at)
    with psycopg.connect(database_url(), autocommit=True) as ledger:
        blocking_apply.write(ledger, [one.hold()], owner=OWNER)
        blocking_apply.write(ledger, [one.settle(credits)], owner=OWNER)


def tamper(books: Books, statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"workspace": books.workspace.pk, "noon": NOON})
        assert cursor.rowcount == 1


def foot(books: Books) -> str:
    """Return what the usage page says below its figures to the workspace's owner."""
    page = text_of(people.browser_of(books.user).get("/developers/usage"))
    return page.partition("Ledger and usage ")[2]


QUARTER = "WHERE workspace_id = %(workspace)s AND bucket = %(noon)s"
TAMPERING = {
    "credits of a quarter hour": (
        f"UPDATE usage_quarter SET credits = credits + 7 {QUARTER}",
        AT_NOON,
        "show 7 credits ($0.00007) too many",
    ),
    "an hour that is gone": (
        f"DELETE FROM usage_hour {QUARTER} AND model <> ''",
        AT_NOON,
        "show 42 credits ($0.00042) too few",
    ),
    "calls of an hour": (
        f"UPDATE usage_hour SET requests = requests - 1 {QUARTER} AND model <> ''",
        AT_NOON,
        "show 1 request too few",
    ),
    "refusals of an hour": (
        f"UPDATE usage_hour SET errors = 1 {QUARTER} AND model = ''",
        AT_NOON,
        "show 3 errors too few",
    ),
    "tokens of a day": (
        "UPDATE usage_day SET output_tokens = output_tokens + 10"
        " WHERE workspace_id = %(workspace)s AND model <> ''",
        ALL_DAY,
        "show 10 tokens too many",
    ),
    "a group of a day that no call has": (
        'INSERT INTO usage_day SELECT (jsonb_populate_record(row, \'{"model": "none"}\')).*'
        " FROM usage_day AS row WHERE workspace_id = %(workspace)s AND model <> ''",
        ALL_DAY,
        "show 47 credits ($0.00047) too many",
    ),
}


def test_right_sums_are_in_order_and_are_not_compared_twice(books: Books) -> None:
    assert audit().findings == []
    assert UncheckedHour.objects.count() == 4

    assert runs.run_full().is_ok
    assert runs.run_recent().is_ok

    assert UncheckedHour.objects.count() == 0
    assert foot(books).startswith("agree. Checked just now (")


@pytest.mark.parametrize("kind", ["recent", "full"])
@pytest.mark.parametrize(("statement", "where", "what"), TAMPERING.values(), ids=TAMPERING)
def test_of_a_wrong_sum_the_page_names_time_and_amount(
    books: Books, kind: str, statement: str, where: str, what: str
) -> None:
    other = open_rolled_up()
    runs.run_full()
    if kind == "full":
        runs.run_recent()  # so that no hour waits to be compared
    tamper(books, statement)

    run = runs.run_recent() if kind == "recent" else runs.run_full()

    assert not run.is_ok
    assert foot(books).startswith(f"differ. The sums of {where} {what}. Found just now (")
    assert foot(other).startswith("agree.")


def test_wrong_sums_stop_no_calls(books: Books) -> None:
    tamper(books, TAMPERING["an hour that is gone"][0])

    run = runs.run_full()

    [finding] = run.findings
    assert (finding["count"], finding["wallet_ids"]) == (1, [])
    assert books.wallet().frozen_at is None


def test_wrong_sums_are_rolled_up_again_and_then_agree(books: Books) -> None:
    tamper(books, TAMPERING["an hour that is gone"][0])
    runs.run_full()

    roll_up.roll_up()
    run = runs.run_recent()

    assert run.is_ok
    assert not UsageDifference.objects.exists()
    assert foot(books).startswith("agree.")


def test_sums_that_a_roll_up_does_not_mend_stay_known_and_are_not_rolled_up_without_end(
    books: Books,
) -> None:
    tamper(books, TAMPERING["a group of a day that no call has"][0])
    runs.run_full()
    [found] = UsageDifference.objects.all()
    roll_up.roll_up()

    runs.run_recent()

    assert [(one.pk, one.found_at) for one in UsageDifference.objects.all()] == [
        (found.pk, found.found_at)
    ]
    assert not DirtyHour.objects.exists()
    tamper(books, "DELETE FROM usage_day WHERE workspace_id = %(workspace)s AND model = 'none'")
    assert runs.run_recent().is_ok
    assert foot(books).startswith("agree.")


def test_an_hour_whose_calls_are_not_rolled_up_yet_is_compared_afterwards(books: Books) -> None:
    runs.run_full()
    call(books, 9, at=NOON)

    assert audit().findings == []
    assert runs.run_recent().is_ok
    assert UncheckedHour.objects.get().starts_at == NOON
    assert foot(books).startswith("agree.")

    roll_up.roll_up()
    tamper(books, f"UPDATE usage_quarter SET credits = credits - 9 {QUARTER} AND model <> ''")
    runs.run_recent()
    assert "show 9 credits ($0.00009) too few" in foot(books)


def test_sums_that_wait_for_their_check_are_not_said_to_be_checked(books: Books) -> None:
    runs.run_full()
    runs.run_recent()
    UncheckedHour.objects.create(
        workspace=books.workspace, starts_at=NOON, rolled_at=timezone.now() - 6 * MINUTE
    )

    assert foot(books).startswith("agreed 6 min ago (")


def test_an_audit_compares_those_that_have_waited_longest(books: Books) -> None:
    [first, *_] = UncheckedHour.objects.order_by("rolled_at", "workspace_id", "starts_at")

    with connection.cursor() as cursor:
        few = sums.waiting(cursor, most_records=1)
        some = sums.waiting(cursor, most_hours=3)

    assert [one[:2] for one in few] == [(first.workspace_id, first.starts_at)]
    assert len(some) == 3


def test_of_a_dropped_month_the_levels_are_compared_with_each_other(books: Books) -> None:
    RecordRetention.objects.create(id=1, kept_since=NOON + DAY)
    RequestRecord.objects.all().delete()
    with connection.cursor() as cursor:
        assert sums.differences(cursor, None) == []

    tamper(books, TAMPERING["calls of an hour"][0])

    with connection.cursor() as cursor:
        [found] = sums.differences(cursor, None)
    assert (found.since, found.requests) == (NOON, -1)
    differences.keep([found], None)
    assert not DirtyHour.objects.exists()


def test_an_open_page_learns_of_wrong_sums_without_new_calls(books: Books) -> None:
    runs.run_full()
    browser = people.browser_of(books.user)
    page = browser.get("/developers/usage").content.decode()
    [version] = re.findall(r"developers/usage\?&amp;shown=([0-9a-f]+)", page)
    tamper(books, TAMPERING["an hour that is gone"][0])
    runs.run_full()

    poll = browser.get(f"/developers/usage?shown={version}", headers={"hx-request": "true"})

    assert "Ledger and usage differ." in text_of(poll)
