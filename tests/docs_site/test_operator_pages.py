"""Terms, privacy and support have the operator's text, or say that there is none."""

import re
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from tests.support.reading import text_of
from web import error_pages

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("address", "setting"), [("/terms", "TERMS_FILE"), ("/privacy", "PRIVACY_FILE")]
)
def test_a_text_that_is_not_set_is_not_invented(client: Client, address: str, setting: str) -> None:
    answer = client.get(address)

    assert answer.status_code == 200
    assert re.search("No .* published here", text_of(answer))
    assert f"the operator has not set {setting}" in text_of(answer)
    assert "has not set a name (OPERATOR_NAME)" in text_of(answer)


@pytest.mark.parametrize(
    ("address", "setting"), [("/terms", "TERMS_FILE"), ("/privacy", "PRIVACY_FILE")]
)
def test_the_operators_file_is_the_page(
    client: Client, settings: Settings, tmp_path: Path, address: str, setting: str
) -> None:
    file = tmp_path / "text.md"
    file.write_text("# Of the house\n\n## Clause one\n\nBe **kind** & brief. <b>No markup.</b>\n")
    setattr(settings, setting, file)

    html = client.get(address).content.decode()

    assert html.count("<h1>") == 1
    assert "<h1>Of the house</h1>" in html
    assert "Clause one</h2>" in re.sub(r"<a .*?</a>", "", html, flags=re.DOTALL)
    assert "<strong>kind</strong> &amp; brief. &lt;b&gt;" in html
    assert "not set" not in html


def test_a_file_without_a_heading_gets_the_usual_title(
    client: Client, settings: Settings, tmp_path: Path
) -> None:
    settings.TERMS_FILE = tmp_path / "terms.md"
    settings.TERMS_FILE.write_text("All of it.")

    html = client.get("/terms").content.decode()

    assert "<h1>Terms of use</h1>" in html
    assert "All of it." in html


def test_support_says_that_no_address_is_set(client: Client) -> None:
    assert "No support address is set" in text_of(client.get("/support"))


def test_support_names_every_way_that_is_set(client: Client, settings: Settings) -> None:
    settings.OPERATOR_NAME = "Example Ltd"
    settings.SUPPORT_EMAIL = "help@caicaini.example"
    settings.SUPPORT_URL = "https://help.caicaini.example/"
    settings.STATUS_URL = "https://status.caicaini.example/"

    html = client.get("/support").content.decode()

    assert "operated by Example Ltd." in html
    for address in (
        "mailto:help@caicaini.example",
        "https://help.caicaini.example/",
        "https://status.caicaini.example/",
    ):
        assert f'href="{address}"' in html
    assert "not set" not in html


def test_the_footer_leads_to_each_of_them(client: Client, settings: Settings) -> None:
    def footer() -> str:
        return client.get("/accounts/login/").content.decode().partition("<footer")[2]

    assert "Status" not in footer()
    assert "mailto:" not in footer()

    settings.SUPPORT_EMAIL = "help@caicaini.example"
    settings.STATUS_URL = "https://status.caicaini.example/"

    assert 'href="https://status.caicaini.example/"' in footer()
    assert 'href="mailto:help@caicaini.example"' in footer()
    paths = re.findall(r'href="(/(?!development)[^"]*)"', footer())
    assert {"/terms", "/privacy", "/support"} <= set(paths)
    assert [path for path in paths if client.get(path, follow=True).status_code != 200] == []


@pytest.mark.parametrize("status", [404, 500, 503])
def test_error_pages_name_the_support_address(
    client: Client, settings: Settings, status: int
) -> None:
    settings.SUPPORT_EMAIL = "help@caicaini.example"
    request = client.get("/nowhere", headers={"accept": "text/html"}).wsgi_request
    request.META["HTTP_ACCEPT"] = "text/html"

    answer = {
        404: lambda: error_pages.not_found(request, Exception()),
        500: lambda: error_pages.server_error(request),
        503: lambda: error_pages.outage(request),
    }[status]()

    main = answer.content.decode().partition("<main")[2].partition("</main>")[0]
    assert answer.status_code == status
    assert "mailto:help@caicaini.example" in main
