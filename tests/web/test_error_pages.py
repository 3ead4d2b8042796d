"""Error pages show what happened, what to do, and the request's id."""

import re

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from pytest_django import Settings

from accounts.models import Role, Workspace
from caicaini_portal import urls
from tests.support import people
from tests.support.reading import Answer, text_of

handler500 = urls.handler500


def breaks(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a bug")


urlpatterns = [*urls.urlpatterns, path("breaks", breaks)]


def request_id_on(answer: Answer) -> str:
    [shown] = re.findall(r"req_[0-9a-f]{32}", text_of(answer))
    return str(shown)


@pytest.mark.django_db
def test_an_address_that_leads_nowhere(client: Client) -> None:
    answer = client.get("/nowhere")

    assert answer.status_code == 404
    assert "There is nothing here" in text_of(answer)
    assert request_id_on(answer) == answer["request-id"]


def test_a_page_that_the_role_does_not_open(workspace: Workspace) -> None:
    browser = people.browser_of(people.new_member(workspace, Role.BILLING))

    answer = browser.get("/developers/keys/new")

    assert answer.status_code == 403
    assert "Your role does not open this page" in text_of(answer)


@pytest.mark.django_db
def test_a_form_without_its_token() -> None:
    strict = Client(enforce_csrf_checks=True)

    answer = strict.post("/accounts/login/", {"login": "ana@example.com", "password": "x"})

    assert answer.status_code == 403
    assert "This form is out of date" in text_of(answer)


@pytest.fixture
def with_a_bug(settings: Settings) -> Client:
    settings.ROOT_URLCONF = __name__
    return Client(raise_request_exception=False)


def test_a_bug_of_ours_asks_neither_session_nor_database(with_a_bug: Client) -> None:
    # This test has no database: the page must do without one.
    answer = with_a_bug.get("/breaks")

    assert answer.status_code == 500
    assert "Something broke on our side" in text_of(answer)
    assert request_id_on(answer) == answer["request-id"]
    assert "a bug" not in answer.content.decode()


@pytest.mark.django_db
def test_a_host_that_is_not_ours(client: Client) -> None:
    answer = client.get("/", headers={"host": "evil.example"})

    assert answer.status_code == 400
    assert "This request cannot be read" in text_of(answer)


@pytest.mark.django_db
def test_too_many_sign_ups_from_one_place(client: Client) -> None:
    for _ in range(20):
        client.post("/accounts/signup/", {})

    answer = client.post("/accounts/signup/", {})

    assert answer.status_code == 429
    assert "That was too often" in text_of(answer)


@pytest.mark.django_db
def test_every_answer_has_an_id_of_its_own(client: Client) -> None:
    ids = {client.get("/healthz")["request-id"] for _ in range(3)}

    assert len(ids) == 3
