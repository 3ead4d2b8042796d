"""A person reads the docs and the prices; a program reads their Markdown."""

import gzip
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User, Workspace
from catalogue.models import Model, ModelPrice
from catalogue.pricing import TokenCounts
from catalogue.sync import sync
from docs_site.library import contents
from docs_site.source.page import Page
from keys import services
from tests.support.priced_models import a_model
from tests.support.reading import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _public_address(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://caicaini.test"
    settings.WELCOME_CREDITS = 10_000


def test_the_prices_are_those_of_the_catalogue_that_are_in_force(client: Client) -> None:
    a_model("dear", output=900_000)
    a_model("cheap", output=450_000)
    a_model("retired", output=1, retired_at=timezone.now())
    a_model("not-yet", output=1, starts_in_days=1)
    ModelPrice.objects.create(
        model=Model.objects.get(name="cheap"),
        in_force_from=timezone.now() - timedelta(days=30),
        input_credits_per_mtok=1,
        output_credits_per_mtok=777_000,
        cache_write_credits_per_mtok=0,
        cache_read_credits_per_mtok=0,
    )

    text = text_of(client.get("/"))

    assert "$4.50 450,000 credits" in text
    assert text.index("test/cheap") < text.index("test/dear")
    assert "777,000" not in text
    assert "test/retired" not in text
    assert "test/not-yet" not in text


def test_a_model_has_no_price_from_the_day_of_its_retirement_on(client: Client) -> None:
    a_model("going", output=450_000)
    a_model("gone", output=450_000)
    today = timezone.now().date()
    Model.objects.filter(name="going").update(retires_on=today + timedelta(days=1))
    Model.objects.filter(name="gone").update(retires_on=today)

    text = text_of(client.get("/"))

    assert "test/going" in text
    assert "test/gone" not in text


def test_the_worked_example_is_right_by_the_shipped_catalogue(settings: Settings) -> None:
    sync(path=settings.BASE_DIR / "catalogue.toml")
    row = ModelPrice.objects.get(model__public_id="caicaini/swift")

    assert row.price.cost(TokenCounts(input=14, output=23)) == 12


@pytest.mark.parametrize("page", contents.pages(), ids=lambda page: page.slug)
def test_every_page_is_served_as_html_and_as_markdown(client: Client, page: Page) -> None:
    html = client.get(page.url)
    markdown = client.get(f"{page.url}.md")

    assert html.status_code == markdown.status_code == 200
    assert markdown["Content-Type"] == "text/markdown; charset=utf-8"
    assert markdown.content.decode().startswith(f"# {page.title}\n")
    assert "{{" not in markdown.content.decode()


def test_the_markdown_has_the_content_of_the_page(client: Client) -> None:
    page = text_of(client.get("/docs/quickstart"))
    markdown = client.get("/docs/quickstart.md").content.decode()

    for line in re.findall(r"^## (.*)$", markdown, re.MULTILINE):
        assert line in page
    for call in ("curl https://caicaini.test/v1/messages", "client.messages.create("):
        assert call in page
        assert call in markdown


def test_the_quickstart_knows_what_its_reader_has(
    client: Client, browser: Client, person: User, workspace: Workspace
) -> None:
    page = "/docs/quickstart"
    for whole in (text_of(client.get(page)), client.get(f"{page}.md").text):
        assert "Create an account" in whole
        assert "Its full text is shown once" in whole

    without_key = browser.get(page)
    assert "You have an account, and are signed in." in text_of(without_key)
    assert 'href="/developers/keys/new"' in without_key.text
    assert "Its full text is shown once" in text_of(without_key)

    key = services.mint(workspace=workspace, name="first", created_by=person).key
    with_key = text_of(browser.get(page))
    assert f"Done. Your newest key is {key.hint}." in with_key

    for shown in (text_of(without_key), with_key):
        assert "Create an account" not in shown


def test_every_heading_on_this_page_leads_somewhere(client: Client) -> None:
    html = client.get("/docs/quickstart").content.decode()
    aside = html.partition('class="on-this-page"')[2]

    links = re.findall(r'href="#([^"]+)"', aside)
    assert links
    assert all(f'id="{link}"' in html for link in links)


def test_every_link_of_the_quickstart_leads_to_a_page(browser: Client) -> None:
    markdown = browser.get("/docs/quickstart.md").content.decode()
    paths = re.findall(r"\]\(https://caicaini\.test(/[^)]*)\)", markdown)

    assert paths
    assert all(browser.get(path).status_code in {200, 302} for path in paths)


def test_the_docs_begin_with_the_quickstart(client: Client) -> None:
    assert client.get("/docs/")["Location"] == "/docs/quickstart"


@pytest.mark.parametrize("path", ["/docs/nothing", "/docs/nothing.md", "/docs/../settings"])
def test_a_page_that_is_not_there_is_not_found(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_llms_txt_lists_every_page(client: Client) -> None:
    text = client.get("/llms.txt").content.decode()

    assert text.startswith("# Caicaini\n\n> ")
    for page in contents.pages():
        assert f"- [{page.title}](https://caicaini.test{page.url}.md): {page.description}" in text


def test_llms_txt_leads_to_the_description_of_the_api(client: Client) -> None:
    [link] = re.findall(
        r"^- \[OpenAPI\]\(https://caicaini\.test(\S+)\): ",
        client.get("/llms.txt").content.decode(),
        re.MULTILINE,
    )

    assert client.get(link).json()["openapi"].startswith("3.1")


@pytest.mark.parametrize("page", contents.pages(), ids=lambda page: page.slug)
def test_a_page_with_what_it_loads_is_below_60_kb(
    page: Page, client: Client, settings: Settings
) -> None:
    sync(path=settings.BASE_DIR / "catalogue.toml")
    document = client.get(page.url, headers={"accept-encoding": "gzip"})
    assert document["content-encoding"] == "gzip"
    html = gzip.decompress(document.content).decode()
    bundles = set(re.findall(r'"/static/(bundles/[^"]+)"', html))
    files = [settings.BASE_DIR / f"static/{one}.gz" for one in bundles]

    assert len(files) == 4
    assert len(document.content) + sum(one.stat().st_size for one in files) < 60_000
