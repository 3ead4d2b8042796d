"""A person signs in and out, resets a forgotten password, and changes password and address."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from accounts.models import User
from tests.support.people import PASSWORD, new_person

NEW_PASSWORD = "another quiet green valley"


def try_to_sign_in(browser: Client, email: str, password: str, next_url: str = "") -> str:
    """Send the form; return the redirect's target, or the page with its errors."""
    fields = {"login": email, "password": password, "next": next_url}
    answer = browser.post("/accounts/login/", fields)
    return str(answer["Location"]) if answer.status_code == 302 else answer.content.decode()


def without_secrets(page: str) -> str:
    """Remove what differs between two loads of a page, and the address that was typed."""
    page = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page)
    return re.sub(r'value="[^"]*@example.com"', "", page)


@pytest.mark.parametrize("written", ["{}", " {} ", "UPPER"])
def test_a_person_signs_in_with_their_address_in_any_case(
    client: Client, person: User, written: str
) -> None:
    address = person.email.upper() if written == "UPPER" else written.format(person.email)

    assert try_to_sign_in(client, address, PASSWORD) == "/developers/"


def test_signing_in_leads_to_the_page_that_asked_for_it(client: Client, person: User) -> None:
    answer = client.get("/developers/keys")
    assert answer["Location"] == "/accounts/login/?next=/developers/keys"

    assert try_to_sign_in(client, person.email, PASSWORD, "/developers/keys") == "/developers/keys"


def test_signing_in_never_leads_to_another_site(client: Client, person: User) -> None:
    found = try_to_sign_in(client, person.email, PASSWORD, "https://evil.example/")

    assert found == "/developers/"


def test_a_wrong_password_and_an_unknown_address_look_the_same(
    client: Client, person: User
) -> None:
    wrong = try_to_sign_in(client, person.email, "not the password")
    unknown = try_to_sign_in(Client(), "nobody@example.com", "not the password")

    assert "The address or the password is not right." in wrong
    assert without_secrets(wrong) == without_secrets(unknown)


def test_guessing_is_stopped_after_five_attempts_even_with_the_right_password(
    client: Client, person: User
) -> None:
    for _ in range(5):
        try_to_sign_in(client, person.email, "not the password")

    assert "Too many attempts" in try_to_sign_in(client, person.email, PASSWORD)


def test_wrong_guesses_elsewhere_do_not_keep_the_owner_out_of_a_known_browser(
    client: Client, person: User
) -> None:
    assert try_to_sign_in(client, person.email, PASSWORD) == "/developers/"
    client.post("/accounts/logout/")
    guesser = Client()
    for _ in range(6):
        try_to_sign_in(guesser, person.email, "not the password")

    assert "Too many attempts" in try_to_sign_in(guesser, person.email, PASSWORD)
    assert try_to_sign_in(client, person.email, PASSWORD) == "/developers/"


def test_a_known_browser_is_known_to_its_own_person_alone_and_guesses_no_more_than_others(
    client: Client, person: User
) -> None:
    other = new_person()
    try_to_sign_in(client, person.email, PASSWORD)
    client.post("/accounts/logout/")
    mark = client.cookies["known_device"]
    assert mark["httponly"]
    assert person.email not in mark.value
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")

    for _ in range(5):
        try_to_sign_in(elsewhere, other.email, "not the password")
    assert "Too many attempts" in try_to_sign_in(client, other.email, PASSWORD)
    for _ in range(5):
        try_to_sign_in(client, person.email, "not the password")
    assert "Too many attempts" in try_to_sign_in(client, person.email, PASSWORD)


def test_an_inactive_person_learns_so_only_with_the_right_password(
    client: Client, person: User
) -> None:
    User.objects.filter(pk=person.pk).update(is_active=False)

    wrong = try_to_sign_in(client, person.email, "not the password")
    assert "The address or the password is not right." in wrong
    assert try_to_sign_in(client, person.email, PASSWORD) == "/accounts/inactive/"


def test_signing_out_needs_a_post_and_ends_the_session(browser: Client) -> None:
    assert browser.get("/accounts/logout/").status_code == 200
    assert browser.get("/developers/keys").status_code == 200

    assert browser.post("/accounts/logout/")["Location"] == "/"

    assert browser.get("/developers/keys").status_code == 302


def test_a_forgotten_password_is_replaced_by_a_link_that_works_once(
    client: Client, person: User
) -> None:
    client.post("/accounts/password/reset/", {"email": person.email})
    [found] = re.findall(r"http\S+(/accounts/password/reset/key/\S+)", str(mail.outbox[0].body))
    form_url = str(client.get(found)["Location"])

    client.post(form_url, {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})

    assert try_to_sign_in(Client(), person.email, NEW_PASSWORD) == "/developers/"
    again = Client().get(found)
    assert b"This link no longer works" in again.content


def test_a_changed_password_is_confirmed_with_one_message(client: Client, person: User) -> None:
    client.post("/accounts/password/reset/", {"email": person.email})
    [found] = re.findall(r"http\S+(/accounts/password/reset/key/\S+)", str(mail.outbox[0].body))
    form_url = str(client.get(found)["Location"])
    fields = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}

    by_link = client.post(form_url, fields, follow=True)
    try_to_sign_in(client, person.email, NEW_PASSWORD)
    changed = client.post(
        "/accounts/password/change/", {"oldpassword": NEW_PASSWORD, **fields}, follow=True
    )

    assert by_link.content.decode().count("Your password is changed") == 1
    assert changed.content.decode().count("Your password is changed") == 1
    assert changed.redirect_chain == [("/developers/settings", 302)]


def test_asking_for_a_new_password_does_not_reveal_who_has_an_account(
    client: Client, person: User
) -> None:
    known = client.post("/accounts/password/reset/", {"email": person.email}, follow=True)
    other = Client()
    unknown = other.post("/accounts/password/reset/", {"email": "nobody@example.com"}, follow=True)

    assert known.redirect_chain == unknown.redirect_chain
    assert without_secrets(known.content.decode()) == without_secrets(unknown.content.decode())
    assert [message.to for message in mail.outbox] == [[person.email], ["nobody@example.com"]]
    assert "There is no" in str(mail.outbox[1].body).replace("\n", " ")


def test_changing_the_password_needs_the_old_one_and_sends_a_mail(
    client: Client, person: User
) -> None:
    try_to_sign_in(client, person.email, PASSWORD)
    fields = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}

    refused = client.post("/accounts/password/change/", {"oldpassword": "wrong", **fields})
    assert "That is not your current password." in refused.content.decode()
    client.post("/accounts/password/change/", {"oldpassword": PASSWORD, **fields})

    [notice] = mail.outbox
    assert notice.subject == "Your Caicaini password was changed"
    assert re.search(r"^When: \d{4}-\d\d-\d\d \d\d:\d\d UTC$", str(notice.body), re.MULTILINE)
    assert client.get("/developers/settings").status_code == 200
    assert try_to_sign_in(Client(), person.email, NEW_PASSWORD) == "/developers/"


def test_a_new_address_needs_the_password_again_and_counts_once_it_is_confirmed(
    browser: Client, person: User
) -> None:
    old_address = person.email
    asked = browser.post("/accounts/email/", {"email": "new@example.com", "action_add": "yes"})
    assert str(asked["Location"]).startswith("/accounts/reauthenticate/")
    assert mail.outbox == []

    # The new address is not lost: its mail is sent once the password is given.
    browser.post(str(asked["Location"]), {"password": PASSWORD}, follow=True)
    person.refresh_from_db()
    assert person.email == old_address
    [link] = re.findall(r"http\S+(/accounts/confirm-email/\S+)", str(mail.outbox[-1].body))
    browser.post(link)

    person.refresh_from_db()
    assert person.email == "new@example.com"
    assert try_to_sign_in(Client(), "new@example.com", PASSWORD) == "/developers/"


def test_a_wrong_password_does_not_change_the_address(browser: Client, person: User) -> None:
    asked = browser.post("/accounts/email/", {"email": "new@example.com", "action_add": "yes"})

    page = browser.post(str(asked["Location"]), {"password": "wrong"}).content.decode()

    assert "That is not your password." in page
    assert mail.outbox == []


def test_settings_show_the_account_and_the_workspace(browser: Client, person: User) -> None:
    page = browser.get("/developers/settings").content.decode()

    assert person.email in page
    assert "Owner" in page
    assert "/accounts/password/change/" in page
    assert "Connected services" not in page  # no provider is configured


def test_the_pages_of_the_settings_lead_to_each_other(browser: Client) -> None:
    addresses = ["/developers/settings", "/accounts/email/", "/accounts/password/change/"]
    for here in addresses:
        page = browser.get(here).content.decode()
        pages = page.partition('aria-label="Settings"')[2].partition("</nav>")[0]

        assert re.findall(r'href="([^"]+)"', pages) == addresses
        assert re.findall(r'href="([^"]+)"\s+aria-current="page"', pages) == [here]


def test_the_page_to_change_the_address_is_under_settings_and_labels_its_field(
    browser: Client,
) -> None:
    page = browser.get("/accounts/email/").content.decode()

    [area, section] = re.findall(r'<a class="(?:bar|side)-link[^>]*aria-current[^>]*>', page)
    assert 'href="/developers/"' in area
    assert 'href="/developers/settings"' in section
    assert "New email address" in page


def test_an_operator_made_by_a_command_has_a_workspace_once_signed_in(
    client: Client, db: None
) -> None:
    operator = User.objects.create_superuser("operator@example.com", PASSWORD)
    EmailAddress.objects.create(user=operator, email=operator.email, verified=True, primary=True)

    leads_to = try_to_sign_in(client, operator.email, PASSWORD)

    assert client.get(leads_to).status_code == 200
