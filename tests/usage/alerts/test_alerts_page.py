"""The alerts page: lines are set there, it tells what is exceeded already and what was sent."""

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.models import Role, User, Workspace
from billing import outbox
from billing.ledger import wallets
from billing.models import LowBalanceThreshold
from tests.support import people
from tests.support.books import Books
from tests.support.reading import text_of
from tests.support.spending import charge
from usage.models import SpendAlerts

PAGE = "/developers/usage/alerts"
LINES = {"low_balance": "2.50", "day_line": "1", "time_zone": "Asia/Kathmandu", "key_floor": "0.50"}


@pytest.fixture
def books(person: User, workspace: Workspace) -> Books:
    return Books(person, workspace, wallets.wallet_of(workspace).pk)


def test_lines_are_set_shown_and_removed(browser: Client, books: Books) -> None:
    books.give(500_000)

    answer = browser.post(f"{PAGE}/lines", LINES, follow=True)

    assert "Saved." in text_of(answer)
    assert LowBalanceThreshold.objects.get().credits == 250_000
    saved = SpendAlerts.objects.get()
    assert (saved.day_line, saved.key_floor, saved.time_zone) == (
        *(100_000, 50_000),
        "Asia/Kathmandu",
    )
    for value in ("2.50", "1.00", "0.50"):
        assert f'value="{value}"' in answer.content.decode()
    assert '<option value="Asia/Kathmandu" selected>' in answer.content.decode()

    browser.post(f"{PAGE}/lines", {"time_zone": "UTC"})

    assert not LowBalanceThreshold.objects.exists()
    saved.refresh_from_db()
    assert (saved.day_line, saved.key_floor) == (None, None)


def test_the_zone_is_first_that_of_the_viewer(browser: Client, person: User) -> None:
    User.objects.filter(pk=person.pk).update(time_zone="Pacific/Chatham")

    assert '<option value="Pacific/Chatham" selected>' in browser.get(PAGE).content.decode()


@pytest.mark.parametrize(
    ("field", "value"), [("low_balance", "0"), ("day_line", "-1"), ("key_floor", "a lot")]
)
def test_an_invalid_line_saves_nothing(
    browser: Client, workspace: Workspace, field: str, value: str
) -> None:
    answer = browser.post(f"{PAGE}/lines", LINES | {field: value})

    assert answer.status_code == 422
    assert f'id="id_{field}_error"' in answer.content.decode()
    assert not LowBalanceThreshold.objects.exists()
    assert not SpendAlerts.objects.exists()


def test_a_zone_that_is_none_is_refused(browser: Client, workspace: Workspace) -> None:
    answer = browser.post(f"{PAGE}/lines", LINES | {"time_zone": "Mars/Olympus"})

    assert answer.status_code == 422


def test_lines_that_are_exceeded_already_are_told_on_the_page_and_by_mail(
    browser: Client, books: Books
) -> None:
    books.give(500_000)
    charge(books, 300_000, timezone.now())

    page = text_of(browser.post(f"{PAGE}/lines", LINES | {"time_zone": "UTC"}, follow=True))

    assert "The balance is below the amount already" in page
    assert "More than an amount is spent already" in page
    assert "Balance of 200,000 credits, $2.00, below $2.50" in page
    assert "over $1.00 spent" in page
    assert outbox.send_due() == 2

    page = text_of(browser.post(f"{PAGE}/lines", LINES | {"time_zone": "UTC"}, follow=True))
    assert "already" not in page
    assert outbox.send_due() == 0
    assert len(mail.outbox) == 2


def test_a_developer_reads_the_lines_and_cannot_change_them(
    browser: Client, workspace: Workspace
) -> None:
    browser.post(f"{PAGE}/lines", LINES)
    developer = people.browser_of(people.new_member(workspace, Role.DEVELOPER))

    page = developer.get(PAGE)

    assert "2.50" in text_of(page)
    assert f'action="{PAGE}/lines"' not in page.content.decode()
    assert developer.post(f"{PAGE}/lines", LINES).status_code == 403
