"""Mails about a day over its line, and about a key whose hour is far above its usual."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail

from accounts.models import Role
from billing import outbox
from keys.models import ApiKey
from tests.support import people
from tests.support.books import Books, open_books
from tests.support.spending import charge
from usage import roll_up
from usage.alerts import spend
from usage.alerts.usual import is_far_above, usual

NOON = datetime(2026, 10, 26, 12, tzinfo=UTC)  # the day after clocks changed in Berlin
HOUR = timedelta(hours=1)


@pytest.fixture
def books(db: None) -> Books:
    return open_books(100_000_000)


@pytest.fixture
def key(books: Books) -> ApiKey:
    return books.mint()


def sent(now: datetime) -> list[str]:
    """Do what the task does; return the subjects of the mails that it sends."""
    before = len(mail.outbox)
    spend.watch(now=now)
    outbox.send_due()
    return [str(one.subject) for one in mail.outbox[before:]]


def set_day_line(books: Books, credits: int | None, *, now: datetime, zone: str = "UTC") -> bool:
    return spend.set_lines(
        workspace=books.workspace, day_line=credits, key_floor=None, time_zone=zone, now=now
    )


def set_key_floor(books: Books, credits: int, *, now: datetime) -> bool:
    return spend.set_lines(
        workspace=books.workspace, day_line=None, key_floor=credits, time_zone="UTC", now=now
    )


def test_a_day_over_the_line_is_told_once(books: Books) -> None:
    assert not set_day_line(books, 1_000, now=NOON)
    charge(books, 1_000, NOON)
    assert sent(NOON) == []

    charge(books, 1, NOON)
    assert sent(NOON) == [f"1,001 apiCredits spent in a day in {books.workspace.name}"]
    [told] = mail.outbox
    assert told.to == [books.user.email]
    assert "Monday, 26 October, UTC" in told.body
    assert "1,001 apiCredits ($0.01), 2 requests so far" in told.body
    assert "/developers/usage?from=2026-10-26&to=2026-10-26" in told.body
    assert "/developers/usage/alerts" in told.body

    charge(books, 5_000, NOON + HOUR)
    assert sent(NOON + HOUR) == []


def test_the_next_day_has_a_mail_of_its_own(books: Books) -> None:
    set_day_line(books, 1_000, now=NOON)
    for day in range(3):
        charge(books, 1_001, NOON + day * 24 * HOUR)
        assert len(sent(NOON + day * 24 * HOUR)) == 1


@pytest.mark.parametrize(
    ("zone", "midnight"),
    [
        ("Europe/Berlin", datetime(2026, 10, 25, 23, tzinfo=UTC)),
        ("Asia/Kathmandu", datetime(2026, 10, 25, 18, 15, tzinfo=UTC)),
        ("Pacific/Chatham", datetime(2026, 10, 25, 10, 15, tzinfo=UTC)),
    ],
)
def test_the_day_is_that_of_the_zone(books: Books, zone: str, midnight: datetime) -> None:
    set_day_line(books, 1_000, now=midnight - HOUR, zone=zone)
    charge(books, 900, midnight - timedelta(microseconds=1))
    charge(books, 900, midnight)
    assert sent(midnight + HOUR) == []

    charge(books, 101, midnight + HOUR)

    assert len(sent(midnight + HOUR)) == 1
    assert "Monday, 26 October" in mail.outbox[0].body


def test_a_line_below_what_is_spent_is_told_at_once(books: Books) -> None:
    charge(books, 5_000, NOON)

    assert set_day_line(books, 1_000, now=NOON)
    assert outbox.send_due() == 1
    assert not set_day_line(books, 1_000, now=NOON)
    assert sent(NOON) == []


def test_a_call_that_is_settled_after_midnight_counts_for_its_day(books: Books) -> None:
    set_day_line(books, 1_000, now=NOON)
    charge(books, 1_001, NOON)

    assert len(sent(NOON + 13 * HOUR)) == 1
    assert "Monday, 26 October" in mail.outbox[0].body


def test_days_before_the_line_was_set_are_not_told(books: Books) -> None:
    charge(books, 5_000, NOON - 24 * HOUR)
    assert not set_day_line(books, 1_000, now=NOON)

    charge(books, 1, NOON)

    assert sent(NOON) == []


def test_without_a_line_nothing_is_told(books: Books) -> None:
    set_day_line(books, 1_000, now=NOON)
    set_day_line(books, None, now=NOON)
    charge(books, 5_000, NOON)

    assert sent(NOON) == []


def test_a_key_far_above_its_usual_hour_is_told_once(books: Books, key: ApiKey) -> None:
    for day in range(1, 20):
        charge(books, 1_000, NOON - day * 24 * HOUR, key_id=key.pk)
    roll_up.roll_up()
    set_key_floor(books, 2_000, now=NOON)
    charge(books, 3_000, NOON, key_id=key.pk)
    assert sent(NOON) == []

    charge(books, 1, NOON, key_id=key.pk)
    assert sent(NOON) == [f"test spends far more than usual in {books.workspace.name}"]
    body = mail.outbox[0].body
    assert "3,001 apiCredits ($0.03), 2 requests so far" in body
    assert "1,000 apiCredits ($0.01) in a busy hour" in body
    assert f"?key={key.pk}&from=2026-10-26T12:00&to=2026-10-26T13:00" in body
    assert f"/developers/keys/{key.pk}\n" in body

    charge(books, 9_000, NOON, key_id=key.pk)
    assert sent(NOON) == []


def test_hours_that_go_on_far_above_are_one_crossing(books: Books, key: ApiKey) -> None:
    for day in range(1, 20):
        charge(books, 100, NOON - day * 24 * HOUR, key_id=key.pk)
    set_key_floor(books, 1_000, now=NOON)
    found = []
    for hour, credits in enumerate((50_000, 60_000, 70_000, 0, 900_000)):
        at = NOON + hour * HOUR
        if credits:
            charge(books, credits, at, key_id=key.pk)
        found.append(len(sent(at)))

    assert found == [1, 0, 0, 0, 1]


def test_a_new_key_with_a_small_spend_is_not_told(books: Books, key: ApiKey) -> None:
    set_key_floor(books, 1_000, now=NOON)
    charge(books, 999, NOON, key_id=key.pk)
    assert sent(NOON) == []

    charge(books, 1, NOON, key_id=key.pk)
    assert len(sent(NOON)) == 1
    assert "not known" in mail.outbox[0].body


def test_keys_are_judged_each_by_itself_and_the_console_not_at_all(
    books: Books, key: ApiKey
) -> None:
    other = books.mint()
    for day in range(1, 20):
        charge(books, 10_000, NOON - day * 24 * HOUR, key_id=other.pk)
        charge(books, 100, NOON - day * 24 * HOUR, key_id=key.pk)
    set_key_floor(books, 1_000, now=NOON)

    charge(books, 90_000, NOON)
    charge(books, 20_000, NOON, key_id=other.pk)
    assert sent(NOON) == []
    charge(books, 20_000, NOON, key_id=key.pk)

    assert len(sent(NOON)) == 1


def test_mails_about_a_key_go_to_those_who_can_revoke_it(books: Books, key: ApiKey) -> None:
    members = {role: people.new_member(books.workspace, role) for role in Role}
    spend.set_lines(
        workspace=books.workspace, day_line=1_000, key_floor=1_000, time_zone="UTC", now=NOON
    )
    charge(books, 5_000, NOON, key_id=key.pk)

    sent(NOON)

    gets = {
        role: [one.subject for one in mail.outbox if one.to == [user.email]]
        for role, user in members.items()
    }
    assert [len(gets[role]) for role in (Role.OWNER, Role.ADMIN)] == [2, 2]
    assert ["far more than usual" in one for one in gets[Role.DEVELOPER]] == [True]
    assert ["spent in a day" in one for one in gets[Role.BILLING]] == [True]


def test_a_nightly_batch_is_usual_and_one_outlier_is_not() -> None:
    chat = [100] * 600
    assert usual([*chat, *[10_000] * 28]) == 10_000
    assert usual([*chat, 10_000]) == 100
    assert usual([0, 0, 7]) == 7
    assert usual([]) == 0


def test_the_floor_and_the_factor_both_bound_it() -> None:
    assert not is_far_above(301, usual=100, floor=302)
    assert not is_far_above(300, usual=100, floor=1)
    assert is_far_above(301, usual=100, floor=301)
