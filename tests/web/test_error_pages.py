"""Error pages show what happened, what to do, and the request's id."""

import re

import django.db
import psycopg
import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from pytest_django import Settings

from accounts.models import Role, User, Workspace
from caicaini_portal import urls
from tests.support import people
from tests.support.reading import Answer, text_of

handler500 = urls.handler500


def breaks(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a bug")


def without_database(request: HttpRequest) -> HttpResponse:
    raise django.db.OperationalError("unavailable") from psycopg.OperationalError("unavailable")


def timed_out(request: HttpRequest) -> HttpResponse:
    raise django.db.OperationalError("canceled") from psycopg.errors.QueryCanceled("canceled")


urlpatterns = [
    *urls.urlpatterns,
    path("breaks", breaks),
    path("without-database", without_database),
    path("timed-out", timed_out),
]


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


def test_a_bug_stands_in_the_frame_of_a_signed_in_person(with_a_bug: Client, person: User) -> None:
    with_a_bug.force_login(person)

    answer = with_a_bug.get("/breaks")

    assert answer.status_code == 500
    assert "Something broke on our side" in text_of(answer)
    assert 'aria-label="Developers"' in answer.content.decode()


# These tests have no database either, and a session cookie that could not be looked up.
AS_A_BROWSER = {"accept": "text/html,*/*;q=0.8", "cookie": "sessionid=somebody"}


def test_an_outage_of_the_database_is_a_page_that_says_so(with_a_bug: Client) -> None:
    answer = with_a_bug.get("/without-database?page=2", headers=AS_A_BROWSER)

    text = text_of(answer)
    assert answer.status_code == 503
    assert int(answer["retry-after"]) >= 1
    assert "Our database is unavailable" in text
    assert "Nothing that was saved is lost" in text
    assert "Sign in" not in text  # it is unknown whether they are
    assert request_id_on(answer) == answer["request-id"]
    assert 'href="/without-database?page=2"' in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]


def test_a_form_sent_during_an_outage_is_not_linked_again(with_a_bug: Client) -> None:
    answer = with_a_bug.post("/without-database", headers=AS_A_BROWSER)

    assert answer.status_code == 503
    assert "without-database" not in answer.content.decode()


def test_an_outage_is_a_notice_on_the_page_whose_htmx_request_it_answers(
    with_a_bug: Client,
) -> None:
    answer = with_a_bug.get("/without-database", headers={"hx-request": "true"})

    assert answer.status_code == 503
    assert int(answer["retry-after"]) >= 1
    assert answer["HX-Retarget"] == ".messages"
    assert "Our database is unavailable" in text_of(answer)
    assert "<html" not in answer.content.decode()


def test_an_outage_is_a_whole_page_for_a_boosted_link(with_a_bug: Client) -> None:
    boosted = {"hx-request": "true", "hx-boosted": "true"}

    answer = with_a_bug.get("/without-database", headers=boosted)

    assert answer.status_code == 503
    assert "<html" in answer.content.decode()


def test_an_outage_is_json_for_a_program(with_a_bug: Client) -> None:
    answer = with_a_bug.post("/without-database", headers={"accept": "application/json"})

    assert answer.status_code == 503
    assert int(answer["retry-after"]) >= 1
    assert answer.json() == {
        "error": "Our database is unavailable",
        "request_id": answer["request-id"],
    }


def test_a_statement_timeout_is_no_outage(with_a_bug: Client) -> None:
    answer = with_a_bug.get("/timed-out", headers=AS_A_BROWSER)

    assert answer.status_code == 500
    assert "Something broke on our side" in text_of(answer)


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
