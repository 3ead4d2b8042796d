"""In development, mails are written to files and read in the browser."""

import re
from pathlib import Path

import pytest
from django.core.mail import send_mail
from django.test import Client
from pytest_django import Settings

from tests.support.reading import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def mail_folder(settings: Settings, tmp_path: Path) -> Path:
    settings.DEVELOPMENT = True
    settings.EMAIL_BACKEND = "caicaini_portal.file_mail_backend.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    return tmp_path / "mail"


def test_a_mail_is_listed_and_read_with_its_links(client: Client, mail_folder: Path) -> None:
    text = f"Grüße!\n\nFollow {'https://caicaini.test/a-long-link/' + 'x' * 90} please."
    send_mail("Confirm it", text, None, ["ana@example.com"])
    [name] = [path.name for path in mail_folder.iterdir()]

    mailbox = client.get("/development/mail")
    mail = client.get(f"/development/mail/{name}")

    assert "Confirm it ana@example.com just now" in text_of(mailbox)
    assert f"/development/mail/{name}" in mailbox.content.decode()
    assert "Grüße!" in mail.content.decode()
    assert f'href="https://caicaini.test/a-long-link/{"x" * 90}"' in mail.content.decode()


def test_mails_of_one_second_are_listed_the_newest_first(client: Client, mail_folder: Path) -> None:
    for number in range(5):
        send_mail(f"Mail {number}", "Hello", None, ["ana@example.com"])

    listed = re.findall(r"Mail (\d)", text_of(client.get("/development/mail")))

    assert listed == ["4", "3", "2", "1", "0"]


def test_markup_in_a_mail_does_nothing(client: Client, mail_folder: Path) -> None:
    send_mail("<b>Hello</b>", "<script>alert(1)</script>", None, ["ana@example.com"])
    [name] = [path.name for path in mail_folder.iterdir()]

    assert "<script>alert" not in client.get(f"/development/mail/{name}").content.decode()
    assert "<b>Hello" not in client.get("/development/mail").content.decode()


def test_an_empty_mailbox_says_so(client: Client, mail_folder: Path) -> None:
    assert "No mail yet" in text_of(client.get("/development/mail"))


@pytest.mark.parametrize("name", ["none.log", "..%2Fsecret_key", "%2Fetc%2Fpasswd"])
def test_only_mails_can_be_read(client: Client, mail_folder: Path, name: str) -> None:
    send_mail("One", "mail", None, ["ana@example.com"])
    (mail_folder.parent / "secret_key").write_text("secret")

    assert client.get(f"/development/mail/{name}").status_code == 404


def test_in_production_it_does_not_exist(
    client: Client, mail_folder: Path, settings: Settings
) -> None:
    send_mail("One", "mail", None, ["ana@example.com"])
    [name] = [path.name for path in mail_folder.iterdir()]
    settings.DEVELOPMENT = False

    assert client.get("/development/mail").status_code == 404
    assert client.get(f"/development/mail/{name}").status_code == 404
    assert "Development mail" not in client.get("/").content.decode()


def test_where_mails_are_sent_it_does_not_exist(
    client: Client, mail_folder: Path, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"

    assert client.get("/development/mail").status_code == 404
