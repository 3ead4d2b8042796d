"""The welcome credits: granted once for each verified address, across all accounts."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from accounts.models import User
from billing.ledger import grants
from billing.models import EntryKind, LedgerEntry, WelcomeGrant
from tests.support.books import Books, open_books


@pytest.fixture(autouse=True)
def welcome(settings: Settings) -> None:
    settings.WELCOME_CREDITS = 10_000


def test_a_verified_address_gets_them_in_its_own_workspace(db: None) -> None:
    books = open_books()

    entry = grants.grant_welcome(user=books.user, email="ada@example.com")

    assert entry is not None
    assert (entry.wallet_id, entry.kind, entry.amount) == (
        books.wallet_id,
        EntryKind.GRANT,
        10_000,
    )
    assert books.wallet().posted == 10_000


@pytest.mark.parametrize("again", ["ada@example.com", "ADA@Example.com", " ada@example.com "])
def test_the_same_address_gets_nothing_again(books: Books, again: str) -> None:
    grants.grant_welcome(user=books.user, email="ada@example.com")

    assert grants.grant_welcome(user=books.user, email=again) is None
    assert books.wallet().posted == 11_000


def test_the_address_is_remembered_beyond_its_first_account(books: Books) -> None:
    grants.grant_welcome(user=books.user, email="ada@example.com")
    newcomer = open_books()

    assert grants.grant_welcome(user=newcomer.user, email="ada@example.com") is None
    assert newcomer.wallet().posted == 0


def test_the_address_itself_is_not_kept(books: Books) -> None:
    grants.grant_welcome(user=books.user, email="ada@example.com")

    assert b"ada" not in bytes(WelcomeGrant.objects.get().email_digest)
    assert not LedgerEntry.objects.filter(reference__contains="ada").exists()


def test_a_setting_of_zero_grants_nothing(books: Books, settings: Settings) -> None:
    settings.WELCOME_CREDITS = 0

    assert grants.grant_welcome(user=books.user, email="ada@example.com") is None


def test_somebody_without_a_workspace_gets_nothing(db: None) -> None:
    loner = User.objects.create_user("loner@example.com")

    assert grants.grant_welcome(user=loner, email="loner@example.com") is None
    assert not WelcomeGrant.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_race_for_one_address_has_one_winner() -> None:
    people = [open_books() for _ in range(8)]

    def ask(books: Books) -> bool:
        try:
            return grants.grant_welcome(user=books.user, email="ada@example.com") is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        won = list(threads.map(ask, people))

    assert sum(won) == 1
    assert sum(books.wallet().posted for books in people) == 10_000
