"""A person creates a key and sees it once."""

import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Role, User, Workspace
from catalogue.models import Model
from keys import services, tokens
from keys.errors import TooManyKeys
from keys.models import ApiKey, KeyStatus
from tests.support import people
from tests.support.reading import Answer, text_of
from tests.support.request_records import a_record, write

TOKEN = re.compile(r"cai_api_[0-9A-Za-z]{38}")
FORM_ID = re.compile(r'name="form_id" value="([0-9a-f-]{36})"')


def form_of(browser: Client, **fields: object) -> dict[str, object]:
    """Open the form and fill it in."""
    [form_id] = FORM_ID.findall(browser.get("/developers/keys/new").content.decode())
    return {"form_id": form_id, "name": "CI", "expiry": "never", **fields}


def create(browser: Client, **fields: object) -> HttpResponse:
    answer = browser.post("/developers/keys/new", form_of(browser, **fields))
    assert isinstance(answer, HttpResponse)
    return answer


def token_in(answer: Answer) -> str:
    [token] = set(TOKEN.findall(answer.content.decode()))
    return str(token)


def test_the_answer_to_the_form_shows_the_key_and_calls_that_have_it_in_place(
    browser: Client, settings: Settings
) -> None:
    settings.PUBLIC_URL = "https://caicaini.test"

    answer = create(browser, name="Website")

    token, page = token_in(answer), text_of(answer)
    assert answer.status_code == 200
    assert tokens.is_well_formed(token)
    assert f"export CAICAINI_API_KEY={token}" in page
    assert f"Bearer {token}" in page
    assert "https://caicaini.test/v1/messages" in page
    # Leaving comes last: everything above it needs the key.
    assert page.rindex(token) < page.index("I have stored it")


def test_only_the_fingerprint_of_a_key_is_stored(browser: Client, workspace: Workspace) -> None:
    token = token_in(create(browser))

    key = ApiKey.objects.get(workspace=workspace)
    assert bytes(key.digest) == tokens.digest(token)
    assert key.hint == tokens.hint(token)


def test_the_token_is_nowhere_but_in_that_answer(browser: Client) -> None:
    answer = create(browser)
    token = token_in(answer)

    assert "no-store" in answer["Cache-Control"]
    assert token not in str(answer.headers) + str(browser.cookies)
    assert all(token not in str(session.get_decoded()) for session in Session.objects.all())
    for page in ("/developers/keys", "/developers/", "/developers/usage", "/docs/quickstart"):
        assert token not in browser.get(page).content.decode()
    assert token not in everything_stored()


def everything_stored() -> str:
    """Return the text of every row of every table."""
    with connection.cursor() as cursor:
        found = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT "{table}"::text FROM "{table}"')  # noqa: S608
            found += [row[0] for row in cursor.fetchall()]
    return "\n".join(found)


def test_sending_the_form_again_makes_no_second_key_and_shows_none(
    browser: Client, workspace: Workspace
) -> None:
    form = form_of(browser)
    token = token_in(browser.post("/developers/keys/new", form))

    again = browser.post("/developers/keys/new", form, follow=True)

    assert again.redirect_chain == [("/developers/keys", 302)]
    assert "its key was shown once" in again.content.decode()
    assert token not in again.content.decode()
    assert ApiKey.objects.filter(workspace=workspace).count() == 1


def test_the_same_form_id_in_another_workspace_is_another_form(browser: Client) -> None:
    form = form_of(browser)
    browser.post("/developers/keys/new", form)
    stranger = people.browser_of(people.new_person())

    assert token_in(stranger.post("/developers/keys/new", form))


def test_a_form_without_an_id_makes_nothing(browser: Client, workspace: Workspace) -> None:
    answer = browser.post("/developers/keys/new", {"name": "CI", "expiry": "never"})

    assert answer.status_code == 422
    assert not ApiKey.objects.filter(workspace=workspace).exists()


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"name": ""}, "Give the key a name."),
        ({"name": "   "}, "Give the key a name."),
        ({"name": "x" * 81}, "at most 80 characters"),
        ({"expiry": "on"}, "Choose the last day on which the key works."),
        ({"expiry": "on", "expires_on": "2020-01-01"}, "That day is over."),
        ({"expiry": "on", "expires_on": "9999-12-31"}, "That day is too far away."),
        ({"expiry": "on", "expires_on": "soon"}, "Enter a valid date."),
        ({"expiry": "sometime"}, "Select a valid choice."),
        ({"allowed_models": ["nobody/nothing"]}, "Select a valid choice."),
    ],
)
def test_errors_are_shown_the_input_stays_and_no_key_is_made(
    browser: Client, workspace: Workspace, fields: dict[str, object], complaint: str
) -> None:
    answer = create(browser, **{"name": "Kept name", **fields})

    page = answer.content.decode()
    assert answer.status_code == 422
    assert complaint in page
    assert page.count("autofocus") == 1
    assert "name" in fields or "Kept name" in page
    assert not ApiKey.objects.filter(workspace=workspace).exists()


def test_a_key_with_a_last_day_works_to_the_end_of_that_day_in_utc(
    browser: Client, workspace: Workspace
) -> None:
    last_day = timezone.now().date() + timedelta(days=3)

    create(browser, expiry="on", expires_on=last_day.isoformat())

    key = ApiKey.objects.get(workspace=workspace)
    end = datetime(last_day.year, last_day.month, last_day.day, tzinfo=UTC) + timedelta(days=1)
    assert key.expires_at == end
    assert key.status(now=end - timedelta(microseconds=1)) is KeyStatus.ACTIVE
    assert key.status(now=end) is KeyStatus.EXPIRED


def test_a_preset_counts_from_now(browser: Client, workspace: Workspace) -> None:
    before = timezone.now()

    create(browser, expiry="30")

    expires_at = ApiKey.objects.get(workspace=workspace).expires_at
    assert expires_at is not None
    month = timedelta(days=30)
    assert before + month <= expires_at <= timezone.now() + month


def test_a_key_can_be_kept_to_some_models(browser: Client, workspace: Workspace) -> None:
    for name in ("one", "two", "gone"):
        Model.objects.create(
            public_id=f"test/{name}", name=name, context_tokens=1, max_output_tokens=1
        )
    Model.objects.filter(name="gone").update(retired_at=timezone.now())

    page = browser.get("/developers/keys/new").content.decode()
    create(browser, allowed_models=["test/two"])

    assert "test/one" in page
    assert "test/gone" not in page
    assert ApiKey.objects.get(workspace=workspace).allowed_models == ["test/two"]


@pytest.mark.parametrize(
    ("role", "may_create"),
    [(Role.OWNER, True), (Role.ADMIN, True), (Role.DEVELOPER, True), (Role.BILLING, False)],
)
def test_who_may_create_keys_depends_on_the_role(
    workspace: Workspace, role: Role, may_create: bool
) -> None:
    browser = people.browser_of(people.new_member(workspace, role))
    form = {"form_id": str(uuid.uuid4()), "name": "CI", "expiry": "never"}

    answer = browser.post("/developers/keys/new", form)

    assert answer.status_code == (200 if may_create else 403)
    assert ApiKey.objects.filter(workspace=workspace).exists() == may_create
    assert ("Create key" in browser.get("/developers/keys").content.decode()) == may_create


def test_a_name_with_markup_is_shown_as_it_is_written(browser: Client) -> None:
    create(browser, name="<script>alert(1)</script>")

    page = browser.get("/developers/keys").content.decode()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_the_page_of_a_new_key_notices_its_first_call(
    browser: Client, person: User, workspace: Workspace
) -> None:
    create(browser)
    key = ApiKey.objects.get(workspace=workspace)
    address = f"/developers/keys/{key.pk}/first-call?shown="

    assert browser.get(address, headers={"hx-request": "true"}).status_code == 204
    write(a_record(workspace, key_id=key.pk))

    notice = browser.get(address, headers={"hx-request": "true"}).content.decode()
    assert "arrived" in notice
    assert "<html" not in notice


@pytest.mark.parametrize(
    "typed", ["\N{ZERO WIDTH SPACE}" * 3, "\N{HANGUL FILLER}", " \N{SOFT HYPHEN} "]
)
def test_a_name_that_nobody_can_see_is_refused(browser: Client, typed: str) -> None:
    answer = create(browser, name=typed)

    assert answer.status_code == 422
    assert "a name that can be seen" in text_of(answer)
    assert not ApiKey.objects.exists()


def test_back_and_reload_open_a_page_without_the_token(
    browser: Client, workspace: Workspace
) -> None:
    answer = create(browser, name="Website")
    key = ApiKey.objects.get(workspace=workspace)
    assert f'data-shown-once="/developers/keys/{key.pk}"' in answer.content.decode()

    page = browser.get(f"/developers/keys/{key.pk}")

    assert page.status_code == 200
    assert "Website" in text_of(page)
    assert key.hint in text_of(page)
    assert token_in(answer) not in page.content.decode()


def test_a_workspace_has_a_bounded_number_of_usable_keys(
    browser: Client, person: User, workspace: Workspace, settings: Settings
) -> None:
    settings.MAX_KEYS_PER_WORKSPACE = 2
    first = services.mint(workspace=workspace, name="1", created_by=person).key
    services.mint(workspace=workspace, name="2", created_by=person)

    with pytest.raises(TooManyKeys):
        services.mint(workspace=workspace, name="3", created_by=person)
    refused = create(browser, name="3")
    assert refused.status_code == 422
    assert "as many keys as it may have" in refused.content.decode()

    services.revoke(key=first)
    assert services.mint(workspace=workspace, name="3", created_by=person)
