"""The security headers of pages, the session cookie's flags, and robots.txt."""

import pytest
from django.test import Client

from accounts.models import User
from tests.support.people import PASSWORD

PAGES = ["/", "/docs/quickstart", "/accounts/login/", "/developers/keys", "/nowhere"]


@pytest.mark.parametrize("page", PAGES)
def test_no_page_runs_or_loads_what_is_not_ours(browser: Client, page: str) -> None:
    answer = browser.get(page)
    policy = dict(
        directive.strip().partition(" ")[::2]
        for directive in answer["Content-Security-Policy"].split(";")
    )

    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    html = answer.content.decode()
    assert "<style" not in html
    assert " style=" not in html
    assert " onclick=" not in html
    assert "<script>" not in html


def test_a_session_cannot_be_read_by_scripts_or_sent_from_other_sites(
    client: Client, person: User
) -> None:
    client.post("/accounts/login/", {"login": person.email, "password": PASSWORD})
    cookie = client.cookies["sessionid"]

    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


@pytest.mark.django_db
def test_crawlers_are_kept_to_what_is_public(client: Client) -> None:
    text = client.get("/robots.txt").content.decode()

    assert "Disallow: /developers/" in text
    assert "Disallow: /accounts/" in text
    assert "Disallow: /docs" not in text
