"""A NUL in an address, a form or a cookie makes no page of the portal fail."""

import re
from http import HTTPStatus

import pytest
from django.db import connection
from django.test import Client

from accounts.models import User
from tests.support import people
from tests.support.routes import Route, all_routes

# Names of parameters and of fields of forms; a page ignores those that it does not know.
NAMES = (
    *("before", "range", "shown", "cancelled", "top_ups", "next", "q", "p", "o", "page", "process"),
    *("email", "login", "password", "password1", "password2", "name", "key", "code", "state"),
    *("amount", "reason", "action", "id", "shown_key", "form_id"),
)
COOKIES = ("sessionid", "csrftoken", "messages")
PAGES = [route for route in all_routes() if route.pattern not in {"healthz", "readyz"}]


def address_of(route: Route) -> str:
    """Return an address of the route with a NUL in each text, and a number that nothing has."""
    numbered = re.sub(r"<int:\w+>", "987654321", route.pattern)
    return "/" + re.sub(r"\(\?P<\w+>[^)]*\)|<[\w:]+>|[\^$]|\\Z", "a%00b", numbered)


@pytest.fixture
def operator(person: User) -> Client:
    """A signed-in operator, whose browser receives a 500 as any browser does."""
    User.objects.filter(pk=person.pk).update(is_staff=True, is_superuser=True)
    browser = people.browser_of(person)
    browser.raise_request_exception = False
    return browser


@pytest.mark.parametrize("route", PAGES, ids=lambda route: route.pattern or "/")
def test_no_page_fails(route: Route, operator: Client) -> None:
    address = address_of(route)
    query = "&".join(f"{name}=a%00b" for name in NAMES)

    answers = [
        operator.get(address),
        operator.get(f"{address}?{query}"),
        operator.post(address, dict.fromkeys(NAMES, "a\0b")),
    ]

    assert all(one.status_code < HTTPStatus.INTERNAL_SERVER_ERROR for one in answers)


@pytest.mark.parametrize("name", COOKIES)
def test_a_cookie_with_a_nul_is_no_cookie(name: str, db: None) -> None:
    browser = Client(raise_request_exception=False)
    cookie = f'{name}="{"a" * 20}\\000{"a" * 11}"'  # the octal escape of a quoted cookie

    answers = [
        browser.get("/accounts/login/", headers={"cookie": cookie}),
        browser.post("/accounts/login/", headers={"cookie": cookie}),
        browser.get("/developers/keys", headers={"cookie": cookie}),
    ]

    assert all(one.status_code < HTTPStatus.INTERNAL_SERVER_ERROR for one in answers)
    with connection.cursor() as cursor:  # the transaction is usable: no statement failed
        cursor.execute("SELECT 1")
