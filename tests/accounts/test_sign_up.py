"""A person signs up, confirms their address by the link in the mail, and has credits."""

import re
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.test import Client
from pytest_django import Settings

from accounts.models import Role, User
from billing.ledger.wallets import wallet_of
from billing.models import LedgerEntry
from tests.support.books import database_url, waiting_sessions
from tests.support.people import PASSWORD, workspace_of
from tests.support.reading import text_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.django_db
LINK = re.compile(r"/accounts/confirm-email/\S+")


@pytest.fixture(autouse=True)
def _welcome(settings: Settings) -> None:
    settings.WELCOME_CREDITS = 10_000


def sign_up(browser: Client, email: str) -> None:
    answer = browser.post("/accounts/signup/", {"email": email, "password1": PASSWORD})
    assert answer.status_code == 302
    assert answer["Location"] == "/accounts/confirm-email/"


def newest_mail() -> str:
    """Return its subject and body."""
    newest = mail.outbox[-1]
    return f"{newest.subject}\n\n{newest.body}"


def link_in(text: str) -> str:
    found = LINK.search(text)
    assert found is not None
    return found.group()


def confirm(browser: Client) -> str:
    """Follow the newest mail's link and press the button; return where that leads."""
    link = link_in(newest_mail())
    assert b"Yes, confirm it" in browser.get(link).content
    return str(browser.post(link)["Location"])


def posted(email: str) -> int:
    workspace = workspace_of(User.objects.get(email=email))
    return wallet_of(workspace).posted


def test_a_newcomer_confirms_and_lands_signed_in_on_the_checklist(client: Client) -> None:
    sign_up(client, "ana@example.com")
    assert client.get("/developers/").status_code == 302

    assert confirm(client) == "/developers/"

    page = client.get("/developers/")
    assert page.status_code == 200
    assert "10,000 credits, worth $0.10" in page.content.decode()


def test_a_newcomer_owns_a_workspace_with_the_welcome_credits(client: Client) -> None:
    sign_up(client, "ana@example.com")
    assert LedgerEntry.objects.count() == 0

    confirm(client)

    membership = User.objects.get(email="ana@example.com").memberships.get()
    assert membership.role == Role.OWNER
    [entry] = LedgerEntry.objects.filter(wallet=wallet_of(membership.workspace))
    assert (entry.kind, entry.amount) == ("grant", 10_000)
    assert entry.reference == "welcome"


def test_looking_at_the_link_alone_confirms_nothing(client: Client) -> None:
    sign_up(client, "ana@example.com")

    Client().get(link_in(newest_mail()))

    assert LedgerEntry.objects.count() == 0
    assert client.get("/developers/").status_code == 302


def test_another_browser_confirms_but_is_not_signed_in(client: Client) -> None:
    sign_up(client, "ana@example.com")
    elsewhere = Client()

    assert confirm(elsewhere) == "/accounts/login/"

    assert elsewhere.get("/developers/").status_code == 302
    assert posted("ana@example.com") == 10_000


def test_a_link_with_one_changed_character_confirms_nothing(client: Client) -> None:
    sign_up(client, "ana@example.com")
    link = link_in(newest_mail())
    forged = link[:-3] + ("A" if link[-3] != "A" else "B") + link[-2:]

    assert b"This link no longer works" in client.get(forged).content
    assert client.post(forged).status_code == 404
    assert LedgerEntry.objects.count() == 0


def test_a_link_that_was_used_says_so_and_leads_on(client: Client) -> None:
    sign_up(client, "ana@example.com")
    link = link_in(newest_mail())
    confirm(client)

    mine, elsewhere = text_of(client.get(link)), text_of(Client().get(link))

    assert "It was used already" in mine
    assert "To your workspace" in mine
    assert "Sign in with your address and password" not in mine
    assert "Sign in with your address and password" in elsewhere


@pytest.mark.parametrize("again", ["ana@example.com", "ANA@Example.COM"])
def test_an_address_gets_its_credits_once_even_after_the_account_is_gone(
    client: Client, again: str
) -> None:
    sign_up(client, "ana@example.com")
    confirm(client)
    User.objects.get(email="ana@example.com").delete()
    returning = Client()
    returning.cookies.clear()
    clear_mail_cooldown()

    sign_up(returning, again)
    assert confirm(returning) == "/developers/"

    assert posted("ana@example.com") == 0
    assert LedgerEntry.objects.filter(reference="welcome").count() == 1


def test_a_crowded_network_makes_accounts_and_gets_its_share_of_credits(
    settings: Settings,
) -> None:
    settings.WELCOME_GRANTS_PER_NETWORK = 2
    emails = [f"ana{number}@example.com" for number in range(4)]
    pages = []
    for email in emails:
        clear_mail_cooldown()
        browser = Client()
        sign_up(browser, email)
        confirm(browser)
        pages.append(browser.get("/developers/").content.decode())

    assert [posted(email) for email in emails] == [10_000, 10_000, 0, 0]
    told = ["Yours come when you sign in on another day" in page for page in pages]
    assert told == [False, False, True, True]


def clear_mail_cooldown() -> None:
    """Allow the next mail: an address gets at most one every three minutes."""
    cache.clear()


def test_signing_up_twice_looks_the_same_and_makes_no_second_account(client: Client) -> None:
    sign_up(client, "ana@example.com")
    confirm(client)
    clear_mail_cooldown()
    stranger = Client()

    sign_up(stranger, "Ana@example.com")

    assert User.objects.count() == 1
    assert "You already have a Caicaini account" in newest_mail()
    assert stranger.get("/developers/").status_code == 302


class CountedHasher(MD5PasswordHasher):
    """A quick hash that counts what the slow one of production would cost."""

    hashes = 0

    def encode(self, password: str, salt: str) -> str:
        CountedHasher.hashes += 1
        encoded: str = super().encode(password, salt)
        return encoded


def test_signing_up_hashes_a_password_whether_or_not_the_account_exists(
    settings: Settings,
) -> None:
    settings.PASSWORD_HASHERS = [f"{__name__}.CountedHasher"]
    counts = []
    for _ in range(2):
        clear_mail_cooldown()
        before = CountedHasher.hashes
        sign_up(Client(), "ana@example.com")
        counts.append(CountedHasher.hashes - before)

    assert counts == [1, 1]
    assert User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("second_password", [PASSWORD, "a loud red mountain"])
def test_the_form_sent_twice_at_once_makes_one_account_and_gets_one_answer(
    second_password: str,
) -> None:
    clear_mail_cooldown()  # the cache's table outlives the rows of a test that commits
    browsers = [Client(), Client()]

    def send(browser: Client, password: str) -> tuple[int, str]:
        try:
            answer = browser.post(
                "/accounts/signup/", {"email": "ana@example.com", "password1": password}
            )
            return answer.status_code, str(answer["Location"])
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads, psycopg.connect(database_url()) as other:
        # Both have looked for the account before either can make it.
        other.execute("LOCK TABLE accounts_user IN SHARE ROW EXCLUSIVE MODE")
        passwords = [PASSWORD, second_password]
        sent = [threads.submit(send, *both) for both in zip(browsers, passwords, strict=True)]
        eventually(lambda: waiting_sessions() == 2)
        other.rollback()
        answers = [one.result() for one in sent]

    assert answers == [(302, "/accounts/confirm-email/")] * 2
    assert User.objects.count() == 1
    assert len(mail.outbox) == 1


def test_links_in_mails_lead_to_the_public_address_for_any_host_header(
    client: Client, settings: Settings
) -> None:
    settings.PUBLIC_URL = "https://caicaini.test"
    settings.ALLOWED_HOSTS = ["evil.example"]

    client.post(
        "/accounts/signup/",
        {"email": "ana@example.com", "password1": PASSWORD},
        headers={"host": "evil.example"},
    )

    text = newest_mail()
    assert "https://caicaini.test/accounts/confirm-email/" in text
    assert "evil.example" not in text


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"email": "no address", "password1": PASSWORD}, "Enter a valid email address."),
        ({"email": "ana@example.com", "password1": "short"}, "at least 10 characters"),
        ({"email": "ana@example.com", "password1": "password123"}, "too common"),
        ({"email": "", "password1": PASSWORD}, "This field is required."),
    ],
)
def test_an_error_is_shown_beside_its_field_and_no_account_is_made(
    client: Client, fields: dict[str, str], complaint: str
) -> None:
    page = client.post("/accounts/signup/", fields).content.decode()

    assert complaint in page
    assert 'aria-invalid="true"' in page
    assert "autofocus" in page
    assert User.objects.count() == 0
