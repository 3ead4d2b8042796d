"""A mail when the balance falls below the threshold that a person set: one per crossing."""

import pytest
from django.core import mail

from accounts.models import Membership, Role, User
from billing.alerts import low_balance
from billing.models import LowBalanceThreshold
from tests.support.books import Books, open_books


@pytest.fixture
def low(db: None) -> Books:
    """A workspace with 1,000 credits and a threshold of 600."""
    books = open_books(1_000)
    low_balance.set_threshold(wallet=books.wallet(), credits=600)
    return books


def addressed() -> list[str]:
    return [address for one in mail.outbox for address in one.to]


def test_a_mail_comes_when_the_balance_crosses_the_threshold(low: Books) -> None:
    assert low_balance.watch() == 0

    low.give(-500)

    assert low_balance.watch() == 1
    assert addressed() == [low.user.email]
    assert "500 apiCredits" in mail.outbox[0].subject
    assert "/developers/billing" in mail.outbox[0].body


def test_it_comes_once(low: Books) -> None:
    low.give(-500)
    for _ in range(3):
        low_balance.watch()
        low.give(-10)

    assert len(mail.outbox) == 1


def test_the_next_crossing_brings_the_next_mail(low: Books) -> None:
    for _ in range(2):
        low.give(-500)
        low_balance.watch()
        low.give(500)
        low_balance.watch()

    assert len(mail.outbox) == 2


def test_the_threshold_itself_is_not_below_it(low: Books) -> None:
    low.give(-400)
    assert low_balance.watch() == 0
    low.give(-1)
    assert low_balance.watch() == 1


def test_a_threshold_set_above_the_balance_waits_for_the_next_crossing(low: Books) -> None:
    low_balance.set_threshold(wallet=low.wallet(), credits=5_000)
    assert low_balance.watch() == 0

    low.give(10_000)
    low_balance.watch()
    low.give(-9_000)

    assert low_balance.watch() == 1


def test_without_a_threshold_nothing_comes(low: Books) -> None:
    low_balance.set_threshold(wallet=low.wallet(), credits=None)
    low.give(-1_000)

    assert low_balance.watch() == 0
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

    low_balance.watch()

    assert sorted(addressed()) == sorted([low.user.email, "billing@example.com"])
    assert all(len(one.to) == 1 for one in mail.outbox)


def test_what_running_calls_hold_does_not_count(low: Books) -> None:
    wallet = low.wallet()
    wallet.held = 900
    wallet.save(update_fields=["held"])

    assert low_balance.watch() == 0
