"""The welcome credits: granted once for each person and wallet, across all accounts."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib import import_module

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.one_person import person_digest
from billing.audit import report
from billing.errors import TooManyFromNetwork
from billing.ledger import posting, welcome
from billing.models import (
    EntryKind,
    LedgerEntry,
    WelcomeCredits,
    WelcomeGrant,
    WelcomeNetwork,
)
from tests.support.books import Books, booked, open_books

MIGRATION = import_module("billing.migrations.0014_welcome_grants_keyed")
HERE, THERE = "192.0.2.0/24", "2001:db8::/64"


@pytest.fixture(autouse=True)
def _welcome(settings: Settings) -> None:
    settings.WELCOME_CREDITS = 10_000


def granted_before(books: Books, email: str) -> None:
    """Grant as the release before did, for each address of a wallet."""
    digest = welcome.plain_digest(email)
    WelcomeGrant.objects.create(email_digest=digest, wallet=books.wallet())
    posting.post(
        wallet_id=books.wallet_id,
        kind=EntryKind.GRANT,
        amount=10_000,
        reference=f"welcome:{digest.hex()}",
    )


def test_a_verified_address_gets_them_in_its_own_workspace(db: None) -> None:
    books = open_books()

    entry = welcome.grant_welcome(user=books.user, email="ada@example.com")

    assert entry is not None
    assert (entry.wallet_id, entry.kind, entry.amount) == (
        books.wallet_id,
        EntryKind.GRANT,
        10_000,
    )
    assert books.wallet().posted == 10_000


SAME_PERSON = [
    *("ada@example.com", "ADA@Example.com", " ada@example.com ", "ada@example.com."),
    *("a.d.a@example.com", "ada+1@example.com", "A.da+x+y@example.com"),
    *('"ada"@example.com', '"a.d\\a+2"@example.com', "\uff41da@example.com"),
]


@pytest.mark.parametrize("again", SAME_PERSON)
def test_the_same_person_gets_nothing_again_in_another_account(books: Books, again: str) -> None:
    welcome.grant_welcome(user=books.user, email="ada@example.com")
    newcomer = open_books()

    assert welcome.grant_welcome(user=newcomer.user, email=again) is None
    assert (books.wallet().posted, newcomer.wallet().posted) == (11_000, 0)


@pytest.mark.parametrize("other", ["bob@example.com", "ada@example.org", "+1@example.com"])
def test_another_person_gets_their_own(books: Books, other: str) -> None:
    welcome.grant_welcome(user=books.user, email="ada@example.com")
    newcomer = open_books()

    assert welcome.grant_welcome(user=newcomer.user, email=other) is not None


def test_the_two_domains_of_one_provider_are_one(books: Books) -> None:
    welcome.grant_welcome(user=books.user, email="ada.l@gmail.com")

    assert welcome.grant_welcome(user=open_books().user, email="adal@GoogleMail.com") is None


def test_a_change_of_address_earns_nothing(books: Books) -> None:
    for number in range(9):
        welcome.grant_welcome(user=books.user, email=f"person{number}@example.com")

    assert books.wallet().posted == 11_000


def test_the_database_refuses_a_second_grant_of_a_wallet(books: Books) -> None:
    WelcomeCredits.objects.create(person=b"a" * 32, wallet_id=books.wallet_id)

    with pytest.raises(IntegrityError), transaction.atomic():
        WelcomeCredits.objects.create(person=b"b" * 32, wallet_id=books.wallet_id)


def test_nobody_without_our_key_can_tell_whose_digest_is_kept(
    books: Books, settings: Settings
) -> None:
    welcome.grant_welcome(user=books.user, email="ada@example.com")

    kept = bytes(WelcomeCredits.objects.get().person)
    assert kept == person_digest("ada@example.com", key=settings.WELCOME_HASH_KEY)
    assert kept != person_digest("ada@example.com", key="another key")
    assert not LedgerEntry.objects.filter(reference__contains="ada").exists()
    digest = welcome.plain_digest("ada@example.com").hex()
    assert not LedgerEntry.objects.filter(reference__contains=digest).exists()


def test_a_setting_of_zero_grants_nothing(books: Books, settings: Settings) -> None:
    settings.WELCOME_CREDITS = 0

    assert welcome.grant_welcome(user=books.user, email="ada@example.com") is None


def test_somebody_without_a_workspace_gets_nothing(db: None) -> None:
    loner = User.objects.create_user("loner@example.com")

    assert welcome.grant_welcome(user=loner, email="loner@example.com") is None
    assert not WelcomeCredits.objects.exists()


def in_threads(ask: Callable[[int], bool], count: int) -> int:
    """Return how many of so many simultaneous grants won."""

    def one(number: int) -> bool:
        try:
            return ask(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as threads:
        return sum(threads.map(one, range(count)))


@pytest.mark.django_db(transaction=True)
def test_a_race_for_one_address_has_one_winner() -> None:
    people = [open_books() for _ in range(8)]

    def ask(number: int) -> bool:
        user = people[number].user
        return welcome.grant_welcome(user=user, email="ada@example.com") is not None

    assert in_threads(ask, 8) == 1
    assert sum(books.wallet().posted for books in people) == 10_000


@pytest.mark.django_db(transaction=True)
def test_a_race_of_addresses_for_one_wallet_has_one_winner() -> None:
    books = open_books()

    def ask(number: int) -> bool:
        email = f"person{number}@example.com"
        return welcome.grant_welcome(user=books.user, email=email) is not None

    assert in_threads(ask, 8) == 1
    assert books.wallet().posted == 10_000


@pytest.mark.django_db(transaction=True)
def test_a_race_in_one_network_has_as_many_winners_as_its_share(settings: Settings) -> None:
    settings.WELCOME_GRANTS_PER_NETWORK = 3
    people = [open_books() for _ in range(8)]

    def ask(number: int) -> bool:
        books, email = people[number], f"person{number}@example.com"
        try:
            return welcome.grant_welcome(user=books.user, email=email, network=HERE) is not None
        except TooManyFromNetwork:
            return False

    assert in_threads(ask, 8) == 3


def test_a_network_that_had_its_share_gets_more_on_another_day(
    db: None, settings: Settings
) -> None:
    settings.WELCOME_GRANTS_PER_NETWORK = 2
    people = [open_books() for _ in range(4)]
    emails = [f"person{number}@example.com" for number in range(4)]
    for books, email in zip(people[:2], emails, strict=False):
        welcome.grant_welcome(user=books.user, email=email, network=HERE)

    with pytest.raises(TooManyFromNetwork):
        welcome.grant_welcome(user=people[2].user, email=emails[2], network=HERE)
    assert welcome.grant_welcome(user=people[3].user, email=emails[3], network=THERE) is not None

    for count in WelcomeNetwork.objects.all():
        WelcomeNetwork.objects.filter(network=count.network).update(
            day=count.day - timedelta(days=1)
        )
    assert welcome.grant_welcome(user=people[2].user, email=emails[2], network=HERE) is not None


def test_the_counts_of_days_that_are_over_are_deleted(db: None) -> None:
    books = open_books()
    welcome.grant_welcome(user=books.user, email="ada@example.com", network=HERE)
    today = WelcomeNetwork.objects.get()
    assert HERE.encode() not in bytes(today.network)
    WelcomeNetwork.objects.create(
        network=today.network, day=today.day - timedelta(days=2), granted=5
    )

    assert welcome.forget_networks() == 1
    assert WelcomeNetwork.objects.get().day == today.day


def test_what_is_owed_is_repaid_first_and_the_audit_agrees(transactional_db: None) -> None:
    books = open_books()
    top_up = books.top_up(4_000)
    posting.post(
        wallet_id=books.wallet_id, kind=EntryKind.ADJUSTMENT, amount=-3_000, reference="spent"
    )
    booked(top_up, refunded=4_000)
    assert (books.wallet().posted, books.wallet().owed) == (0, 3_000)

    welcome.grant_welcome(user=books.user, email="ada@example.com")

    assert (books.wallet().posted, books.wallet().owed) == (7_000, 0)
    assert report.audit().is_ok


def owner_with_address(email: str = "ada@example.com") -> Books:
    books = open_books()
    EmailAddress.objects.create(user=books.user, email=email, verified=True, primary=True)
    return books


def test_a_setting_makes_them_wait_for_the_first_payment(db: None, settings: Settings) -> None:
    settings.WELCOME_AFTER_PAYMENT = True
    books = owner_with_address()
    assert welcome.grant_welcome(user=books.user, email="ada@example.com", network=HERE) is None

    top_up = books.top_up(50_000)
    booked(top_up, refunded=50_000)  # once more, with another step of the same top-up

    assert books.wallet().posted == 10_000
    assert LedgerEntry.objects.filter(reference=welcome.REFERENCE).count() == 1


def test_without_that_setting_a_payment_brings_what_was_paid(db: None) -> None:
    books = owner_with_address()

    books.top_up(50_000)

    assert books.wallet().posted == 50_000


def test_the_migration_keeps_ten_grants_of_a_wallet_and_no_plain_digest(books: Books) -> None:
    EmailAddress.objects.create(user=books.user, email=books.user.email, verified=True)
    earned = [books.user.email, *(f"person{number}@example.com" for number in range(9))]
    for email in earned:
        granted_before(books, email)

    MIGRATION.copy_grants(apps, None)

    assert books.wallet().posted == 101_000
    assert WelcomeGrant.objects.count() == 0
    rows = WelcomeCredits.objects.filter(wallet_id=books.wallet_id)
    assert sorted(row.is_extra for row in rows) == [False, *[True] * 9]
    assert not {bytes(row.person) for row in rows} & {welcome.plain_digest(one) for one in earned}


def test_after_the_migration_neither_wallet_nor_person_earns_again(books: Books) -> None:
    local, _, domain = books.user.email.partition("@")
    granted_before(books, books.user.email)
    granted_before(books, "gone@example.com")
    MIGRATION.copy_grants(apps, None)
    newcomer = open_books()

    assert welcome.grant_welcome(user=books.user, email="fresh@example.com") is None
    # Of an account that exists the address is known, and so are its other forms.
    for email in (books.user.email, f"{local}+1@{domain}", "gone@example.com"):
        assert welcome.grant_welcome(user=newcomer.user, email=email) is None
    assert welcome.grant_welcome(user=newcomer.user, email="fresh@example.com") is not None


def test_two_addresses_of_one_person_pass_the_migration(db: None) -> None:
    first, second = (open_books() for _ in range(2))
    User.objects.filter(pk=first.user.pk).update(email="ada+1@example.com")
    User.objects.filter(pk=second.user.pk).update(email="ada+2@example.com")
    granted_before(first, "ada+1@example.com")
    granted_before(second, "ada+2@example.com")

    MIGRATION.copy_grants(apps, None)

    assert WelcomeCredits.objects.filter(is_extra=False).count() == 2
    for books in (first, second):
        assert welcome.grant_welcome(user=books.user, email="new@example.com") is None


def test_a_grant_of_the_release_before_counts_while_its_processes_run(books: Books) -> None:
    MIGRATION.copy_grants(apps, None)
    granted_before(books, "ada@example.com")

    assert welcome.grant_welcome(user=books.user, email="new@example.com") is None
    assert welcome.grant_welcome(user=open_books().user, email="ada@example.com") is None


FORMS = ["ada@example.com", "a.da@example.com", "bob@example.com", "bob+1@example.com", "c@d.org"]


class AnyOrder(TestCase):
    """Beside a model: a set of people and a set of wallets that have had theirs."""

    @given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(FORMS)), max_size=12))
    def test_any_order_of_people_and_wallets_grants_each_once(
        self, asked: list[tuple[int, str]]
    ) -> None:
        all_books = [open_books() for _ in range(3)]
        people: set[str] = set()
        winners: set[int] = set()
        for number, email in asked:
            person = email.replace(".", "").replace("+1", "")
            expected = person not in people and number not in winners
            entry = welcome.grant_welcome(user=all_books[number].user, email=email)
            assert (entry is not None) == expected
            if expected:
                people.add(person)
                winners.add(number)
        posted = [books.wallet().posted for books in all_books]
        assert posted == [10_000 if number in winners else 0 for number in range(3)]
