"""What the sign-in pages do for people: resend, help, reasons, and no empty passwords."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from tests.support.people import PASSWORD
from tests.support.reading import Answer, text_of

SENT = "/accounts/confirm-email/"
RESEND = "/sign-up/resend"


@pytest.fixture(autouse=True)
def _no_limits_of_before(db: None) -> None:
    cache.clear()


def sign_up(browser: Client, email: str, password: str = PASSWORD) -> Answer:
    return browser.post("/accounts/signup/", {"email": email, "password1": password})


def wait_three_minutes() -> None:
    """Forget the last mail: the limit's memory is the cache."""
    cache.clear()


def test_the_mail_of_a_sign_up_can_be_sent_again(client: Client) -> None:
    sign_up(client, "ana@example.com")
    assert "Send it again" in text_of(client.get(SENT))
    wait_three_minutes()

    page = text_of(client.post(RESEND, follow=True))

    assert [one.to for one in mail.outbox] == [["ana@example.com"]] * 2
    assert "We have sent an email to ana@example.com." in page


def test_too_early_is_answered_and_sends_nothing(client: Client) -> None:
    sign_up(client, "ana@example.com")

    page = text_of(client.post(RESEND, follow=True))

    assert "less than three minutes ago" in page
    assert len(mail.outbox) == 1


def test_an_address_with_an_account_gets_the_same_pages(client: Client, person: User) -> None:
    sign_up(client, person.email)
    early = text_of(client.post(RESEND, follow=True))
    assert "less than three minutes ago" in early
    wait_three_minutes()

    page = text_of(client.post(RESEND, follow=True))

    assert f"We have sent an email to {person.email}." in page
    assert {one.subject for one in mail.outbox} == {"You already have a Caicaini account"}
    assert len(mail.outbox) == 2


def test_another_browser_cannot_have_mails_sent(client: Client) -> None:
    sign_up(Client(), "ana@example.com")

    assert client.post(RESEND)["Location"] == "/accounts/signup/"
    assert len(mail.outbox) == 1


@pytest.mark.parametrize("has_account", [True, False])
def test_signing_up_again_at_once_in_another_browser_is_answered_alike(
    person: User, has_account: bool
) -> None:
    email = person.email if has_account else "ana@example.com"
    sign_up(Client(), email)
    another = Client()

    sign_up(another, email)

    assert "less than three minutes ago" in text_of(another.post(RESEND, follow=True))
    assert len(mail.outbox) == 1


@pytest.mark.parametrize("has_account", [True, False])
def test_an_address_gets_one_mail_in_three_minutes_from_all_browsers(
    person: User, has_account: bool
) -> None:
    email = person.email if has_account else "ana@example.com"
    browsers = [Client(), Client()]
    for one in browsers:
        wait_three_minutes()
        sign_up(one, email)
    wait_three_minutes()
    mail.outbox.clear()

    answers = [text_of(one.post(RESEND, follow=True)) for one in browsers]

    assert [one.to for one in mail.outbox] == [[email]]
    assert f"We have sent an email to {email}." in answers[0]
    assert "less than three minutes ago" in answers[1]


def change_address(browser: Client, new: str) -> None:
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    browser.post("/accounts/email/", {"email": new, "action_add": "yes"})


def test_a_change_of_address_has_words_of_its_own(browser: Client, person: User) -> None:
    change_address(browser, "new@example.com")

    [sent] = mail.outbox
    assert sent.subject == "Confirm your new address for Caicaini"
    assert person.email in sent.body
    link = re.search(r"/accounts/confirm-email/\S+", str(sent.body))
    assert link
    page = text_of(browser.get(link[0]))
    assert "Confirm your new address" in page
    assert f"no longer with {person.email}" in page
    assert "sign up" not in page


def test_the_mail_to_a_new_address_can_be_sent_again(browser: Client) -> None:
    change_address(browser, "new@example.com")

    early = text_of(browser.post("/developers/settings/resend", follow=True))
    assert "less than three minutes ago" in early
    assert len(mail.outbox) == 1
    wait_three_minutes()

    browser.post("/developers/settings/resend")
    assert [one.to for one in mail.outbox] == [["new@example.com"]] * 2


def test_the_old_address_learns_where_to_get_help(
    browser: Client, person: User, settings: Settings
) -> None:
    settings.SUPPORT_EMAIL = "help@caicaini.example"
    old = person.email
    change_address(browser, "new@example.com")
    link = re.search(r"/accounts/confirm-email/\S+", str(mail.outbox[0].body))
    assert link

    browser.post(link[0])

    [notice] = [one for one in mail.outbox if one.to == [old]]
    assert "Write to us at once" in notice.body
    assert "help@caicaini.example" in notice.body
    assert "/accounts/password/reset/" not in notice.body
    assert EmailAddress.objects.get(user=person).email == "new@example.com"


def test_ten_spaces_are_no_password(client: Client) -> None:
    answer = sign_up(client, "ana@example.com", password=" " * 10)

    assert "A password needs more than spaces." in text_of(answer)
    assert not User.objects.exists()


def test_a_wrong_password_focuses_its_field_and_keeps_the_address(
    client: Client, person: User
) -> None:
    answer = client.post("/accounts/login/", {"login": person.email, "password": "wrong"})

    [focused] = re.findall(r"<input[^>]* autofocus[^>]*>", answer.content.decode())
    assert 'type="password"' in focused
    assert f'value="{person.email}"' in answer.content.decode()


@pytest.mark.parametrize(
    ("page", "field"),
    [
        ("/accounts/login/", "login"),
        ("/accounts/signup/", "email"),
        ("/accounts/password/reset/", "email"),
    ],
)
def test_the_field_that_a_page_is_for_has_the_focus(client: Client, page: str, field: str) -> None:
    [focused] = re.findall(r"<input[^>]* autofocus[^>]*>", client.get(page).content.decode())

    assert f'name="{field}"' in focused


def test_the_sign_in_page_says_that_a_session_has_ended(browser: Client) -> None:
    browser.session.flush()

    page = browser.get("/developers/keys/new", follow=True)

    assert "Your session has ended." in text_of(page)
    assert "?ended=1" not in text_of(page)


def test_a_visitor_without_a_session_is_not_told_that_one_has_ended(client: Client) -> None:
    assert "has ended" not in text_of(client.get("/developers/keys", follow=True))


def test_a_poll_without_a_session_never_leads_away(browser: Client) -> None:
    browser.session.flush()

    answer = browser.get("/developers/balance", headers={"HX-Request": "true"})

    assert answer.status_code == 401
    assert not {"HX-Refresh", "HX-Redirect", "Location"} & set(answer.headers)


def test_connected_services_are_a_404_where_there_can_be_none(
    browser: Client, settings: Settings
) -> None:
    assert browser.get("/accounts/3rdparty/").status_code == 404

    settings.SOCIALACCOUNT_PROVIDERS = {
        "github": {"APPS": [{"client_id": "id", "secret": "secret"}]}
    }
    assert browser.get("/accounts/3rdparty/").status_code == 200


def test_a_404_of_a_signed_in_person_stands_in_the_frame(browser: Client) -> None:
    answer = browser.get("/developers/nowhere")

    assert answer.status_code == 404
    assert 'aria-label="Developers"' in answer.content.decode()


def test_a_404_of_a_visitor_does_not(client: Client) -> None:
    assert 'aria-label="Developers"' not in client.get("/nowhere").content.decode()
