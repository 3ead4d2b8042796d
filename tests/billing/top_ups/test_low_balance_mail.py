"""A mail when the balance falls below the threshold that a person set: one per crossing."""

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import Membership, Role, User
from billing import outbox
from billing.alerts import low_balance
from billing.models import LowBalanceThreshold
from tests.support.books import Books, open_books


@pytest.fixture
def low(db: None) -> Books:
    """A workspace with 1,000 credits and a threshold of 600."""
    books = open_books(1_000)
    low_balance.set_threshold(wallet=books.wallet(), credits=600)
    return books


def watch() -> int:
    """Do what the task does; return how many mails were sent."""
    low_balance.watch()
    return outbox.send_due()


def addressed() -> list[str]:
    return [address for one in mail.outbox for address in one.to]


def test_a_mail_comes_when_the_balance_crosses_the_threshold(low: Books) -> None:
    assert watch() == 0

    low.give(-500)

    assert watch() == 1
    assert addressed() == [low.user.email]
    assert "500 apiCredits" in mail.outbox[0].subject
    assert "/developers/billing" in mail.outbox[0].body


def test_it_comes_once(low: Books) -> None:
    low.give(-500)
    for _ in range(3):
        watch()
        low.give(-10)

    assert len(mail.outbox) == 1


def test_the_next_crossing_brings_the_next_mail(low: Books) -> None:
    for _ in range(2):
        low.give(-500)
        watch()
        low.give(500)
        watch()

    assert len(mail.outbox) == 2


def test_the_threshold_itself_is_not_below_it(low: Books) -> None:
    low.give(-400)
    assert watch() == 0
    low.give(-1)
    assert watch() == 1


def test_a_threshold_set_above_the_balance_brings_its_mail_at_once(low: Books) -> None:
    assert low_balance.set_threshold(wallet=low.wallet(), credits=5_000)
    assert outbox.send_due() == 1
    assert "above its balance already" in mail.outbox[0].body

    assert not low_balance.set_threshold(wallet=low.wallet(), credits=5_000)
    low.give(-10)
    assert watch() == 0

    low.give(10_000)
    low.give(-9_000)

    assert watch() == 1
    assert "has fallen below" in mail.outbox[1].body


def test_a_crossing_between_two_checks_is_told_even_if_the_balance_has_recovered(
    low: Books,
) -> None:
    low.give(-500)
    low.give(2_000)

    assert watch() == 1
    assert "Left:  500 apiCredits" in mail.outbox[0].body
    assert "Now:   2,500 apiCredits" in mail.outbox[0].body


def test_two_crossings_between_two_checks_are_two_mails(low: Books) -> None:
    for credits in (-500, 500, -600):
        low.give(credits)

    assert watch() == 2
    assert ["500 apiC" in one.subject for one in mail.outbox] == [True, False]
    assert ["400 apiC" in one.subject for one in mail.outbox] == [False, True]


def test_a_threshold_of_the_release_before_is_compared_from_now_on(low: Books) -> None:
    for notified_at, mails in ((timezone.now(), 0), (None, 1)):
        low_balance.set_threshold(wallet=low.wallet(), credits=None)
        low_balance.set_threshold(wallet=low.wallet(), credits=600)
        low.give(-500)
        LowBalanceThreshold.objects.update(checked_seq=None, notified_at=notified_at)

        assert watch() == mails
        assert watch() == 0
        low.give(500)


def test_without_a_threshold_nothing_comes(low: Books) -> None:
    low_balance.set_threshold(wallet=low.wallet(), credits=None)
    low.give(-1_000)

    assert watch() == 0
    assert not LowBalanceThreshold.objects.exists()


def test_every_active_member_who_may_pay_gets_it(low: Books) -> None:
    people = {
        role: User.objects.create_user(f"{role}@example.com") for role in Role if role != Role.OWNER
    }
    for role, user in people.items():
        Membership.objects.create(user=user, workspace=low.workspace, role=role)
    people[Role.ADMIN].is_active = False
    people[Role.ADMIN].save(update_fields=["is_active"])
    low.give(-500)

    watch()

    assert sorted(addressed()) == sorted([low.user.email, "billing@example.com"])
    assert all(len(one.to) == 1 for one in mail.outbox)


def test_what_running_calls_hold_does_not_count(low: Books) -> None:
    wallet = low.wallet()
    wallet.held = 900
    wallet.save(update_fields=["held"])

    assert watch() == 0
