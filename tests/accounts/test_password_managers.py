"""Password managers can fill in the forms: fields have a purpose, forms name their account."""

import re
from html.parser import HTMLParser

import pytest
from django.core import mail
from django.test import Client

from accounts.models import User


class Inputs(HTMLParser):
    """Collects autocomplete purpose and value of each text input, hidden ones included, by name."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.purposes: dict[str, str] = {}
        self.values: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "input" and found.get("type") in {"text", "email", "password"}:
            self.purposes[found["name"]] = found.get("autocomplete", "")
            self.values[found["name"]] = found.get("value", "")


@pytest.mark.parametrize(
    ("page", "purposes"),
    [
        ("login/", {"login": "email", "password": "current-password"}),
        ("signup/", {"email": "email", "password1": "new-password"}),
        ("password/reset/", {"email": "email"}),
    ],
)
@pytest.mark.django_db
def test_fields_before_sign_in_declare_their_purpose(
    client: Client, page: str, purposes: dict[str, str]
) -> None:
    assert Inputs(client.get(f"/accounts/{page}").content.decode()).purposes == purposes


NEW_PASSWORD = {"username": "username", "password1": "new-password", "password2": "new-password"}


@pytest.mark.parametrize(
    ("page", "purposes"),
    [
        ("password/change/", {**NEW_PASSWORD, "oldpassword": "current-password"}),
        ("reauthenticate/", {"username": "username", "password": "current-password"}),
    ],
)
def test_forms_of_a_signed_in_person_name_their_account(
    browser: Client, person: User, page: str, purposes: dict[str, str]
) -> None:
    inputs = Inputs(browser.get(f"/accounts/{page}").content.decode())

    assert inputs.purposes == purposes
    assert inputs.values["username"] == person.email


def test_the_form_for_a_first_password_names_the_account(browser: Client, person: User) -> None:
    person.set_unusable_password()
    person.save(update_fields=["password"])
    browser.force_login(person)

    inputs = Inputs(browser.get("/accounts/password/set/").content.decode())

    assert inputs.purposes == NEW_PASSWORD
    assert inputs.values["username"] == person.email


def test_the_form_behind_the_reset_link_names_the_account(client: Client, person: User) -> None:
    client.post("/accounts/password/reset/", {"email": person.email})
    [link] = re.findall(r"http\S+(/accounts/password/reset/key/\S+)", str(mail.outbox[0].body))

    page = client.get(link, follow=True).content.decode()

    inputs = Inputs(page)
    assert inputs.purposes == NEW_PASSWORD
    assert inputs.values["username"] == person.email
    assert "At least 10 characters, and not one that is easy to guess." in page
