"""An example on a page carries the reader's key hint, the real address, and its request."""

import json
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User, Workspace
from docs_site.boxes import answer as answer_box
from docs_site.boxes.reader import Reader
from docs_site.examples import recordings, samples
from docs_site.library import contents
from docs_site.rendering import computed_blocks
from docs_site.source.page import Page
from keys import services
from keys.models import ApiKey
from tests.support import people
from tests.support.priced_models import a_model
from tests.support.reading import text_of
from web.code_blocks import LANGUAGES

pytestmark = pytest.mark.django_db

_SAMPLE = re.compile(r"\{\{ sample ([\w-]+) \}\}")
_ANSWER = re.compile(r"\{\{ answer ([\w-]+) \}\}")
_REQUEST = re.compile(r'<script id="[^"]*-request" type="application/json">(.*?)</script>')


@pytest.fixture(autouse=True)
def _public_address(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://caicaini.test"


@pytest.fixture
def page() -> Page:
    """A page with an example that can be run, and its recorded answer."""
    return next(
        page
        for page in contents.pages()
        if _ANSWER.search(page.body)
        and any(samples.load(name).request for name in _SAMPLE.findall(page.body))
    )


def a_key(workspace: Workspace, person: User, name: str) -> ApiKey:
    return services.mint(workspace=workspace, name=name, created_by=person).key


def test_the_address_is_this_installation_s(client: Client, page: Page) -> None:
    for url in (page.url, page.markdown_url):
        text = client.get(url).text
        assert "https://caicaini.test" in text
        assert samples.BASE_URL not in text


def test_a_stranger_reads_the_variable_and_is_led_to_sign_in(client: Client, page: Page) -> None:
    answer = client.get(page.url)

    assert "Key: CAICAINI_API_KEY" in text_of(answer)
    assert "Sign in to run" in text_of(answer)
    assert "data-run=" not in answer.text


def test_a_member_reads_the_hint_of_the_newest_active_key(
    browser: Client, person: User, workspace: Workspace, page: Page
) -> None:
    assert "Key: CAICAINI_API_KEY" in text_of(browser.get(page.url))

    older, newer = (a_key(workspace, person, name) for name in ("older", "newer"))
    assert f"Key: {newer.hint}" in text_of(browser.get(page.url))

    services.revoke(key=newer)
    assert f"Key: {older.hint}" in text_of(browser.get(page.url))

    ApiKey.objects.filter(pk=older.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "Key: CAICAINI_API_KEY" in text_of(browser.get(page.url))


def test_the_hint_of_another_workspace_is_not_shown(browser: Client, page: Page) -> None:
    stranger = people.new_person()
    theirs = a_key(people.workspace_of(stranger), stranger, "theirs")

    assert theirs.hint not in browser.get(page.url).text


def test_run_this_sends_the_request_of_the_sample(browser: Client, page: Page) -> None:
    html = browser.get(page.url).text
    embedded = [json.loads(text) for text in _REQUEST.findall(html)]
    loaded = [samples.load(name).request for name in _SAMPLE.findall(page.body)]

    assert embedded == [json.loads(request) for request in loaded if request]
    assert html.count("data-run=") == len(embedded)


def test_a_recorded_answer_says_when_with_what_and_by_whom(client: Client, page: Page) -> None:
    text = text_of(client.get(page.url))
    markdown = client.get(page.markdown_url).text

    for name in _ANSWER.findall(page.body):
        for output in recordings.load(name).values():
            when = f"Recorded on {output.recorded_at:%-d %B %Y, %H:%M} UTC, with "
            assert when in text
            assert when in markdown
            assert output.runtime in text
    assert "What it prints" in text


@pytest.mark.parametrize("days", [0, 2, 3, 40])
def test_a_recording_older_than_two_days_says_so(days: int) -> None:
    recorded_on = max(output.recorded_at for output in recordings.load("hello").values()).date()
    today = recorded_on + timedelta(days=days)

    html = answer_box.html("hello", Reader(is_signed_in=False, today=today), "answer-1")

    assert (f"That was {days} days ago" in html) == (days > 2)
    assert ("answer-old" in html) == (days > 2)


def test_the_markdown_has_every_language_of_an_example(client: Client, page: Page) -> None:
    markdown = client.get(page.markdown_url).text

    for name in _SAMPLE.findall(page.body):
        for code in samples.load(name).codes:
            language = {"curl": "bash"}.get(code.language, code.language)
            assert f"```{language}\n{code.text}\n```" in markdown


@pytest.mark.parametrize("every", contents.pages(), ids=lambda page: page.slug)
def test_no_directive_is_left_in_the_markdown(client: Client, every: Page) -> None:
    assert not re.search(r"\{\{ *\w+[^{}\"]*\}\}", client.get(every.markdown_url).text)


def test_every_sample_is_in_a_language_that_has_a_tab() -> None:
    assert samples.FILES.keys() == LANGUAGES.keys()


def test_a_page_is_not_sent_again_while_it_is_the_same(client: Client, page: Page) -> None:
    for url in (page.url, page.markdown_url, "/llms.txt", "/llms-full.txt"):
        tag = client.get(url)["ETag"]
        assert client.get(url, headers={"If-None-Match": tag}).status_code == 304


def test_a_page_for_a_member_is_not_kept_for_others(browser: Client, page: Page) -> None:
    answer = browser.get(page.url)

    assert "private" in answer["Cache-Control"]
    assert "Cookie" in answer["Vary"]


class TestRunThis:
    """Run this is offered where a model on offer can do what the example needs."""

    TOOLS = "/docs/tools"

    @pytest.fixture(autouse=True)
    def _model(self) -> None:
        a_model("text", output=450_000, is_auto=True)

    def test_an_example_that_no_model_can_run_says_why(self, browser: Client) -> None:
        answer = browser.get(self.TOOLS)

        assert "data-run=" not in answer.text
        assert "none of the models on offer takes tools" in text_of(answer)

    def test_one_that_a_model_can_run_is_offered(self, browser: Client) -> None:
        assert "data-run=" in browser.get("/docs/streaming").text

        a_model("tools", output=900_000, is_auto=True, capabilities=["tools"])
        computed_blocks.forget()
        assert "data-run=" in browser.get(self.TOOLS).text

    def test_a_model_that_auto_never_takes_does_not_count(self, browser: Client) -> None:
        a_model("tools", output=900_000, is_auto=False, capabilities=["tools"])

        assert "data-run=" not in browser.get(self.TOOLS).text
