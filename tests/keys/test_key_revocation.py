"""A person looks at their keys and revokes one."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Role, User, Workspace
from keys import services
from keys.models import ApiKey
from tests.support import people
from tests.support.reading import text_of


@pytest.fixture
def key(person: User, workspace: Workspace) -> ApiKey:
    return services.mint(workspace=workspace, name="Old laptop", created_by=person).key


def test_revoking_asks_once_naming_the_key_and_then_lasts(browser: Client, key: ApiKey) -> None:
    question = text_of(browser.get(f"/developers/keys/{key.pk}/revoke"))
    assert "Revoke “Old laptop”?" in question
    assert key.hint in question
    assert ApiKey.objects.filter(pk=key.pk, revoked_at=None).exists()

    answer = browser.post(f"/developers/keys/{key.pk}/revoke", follow=True)

    key.refresh_from_db()
    assert key.revoked_at is not None
    page = answer.content.decode()
    assert answer.redirect_chain == [("/developers/keys", 302)]
    assert "“Old laptop” is revoked" in page
    assert "Revoked and expired keys (1)" in page


def test_the_question_fits_into_a_dialog_when_a_script_asks(browser: Client, key: ApiKey) -> None:
    fragment = browser.get(f"/developers/keys/{key.pk}/revoke", headers={"hx-request": "true"})

    assert b"Revoke" in fragment.content
    assert b"<html" not in fragment.content
    assert "HX-Request" in fragment["Vary"]


def test_revoking_again_keeps_the_first_moment(browser: Client, key: ApiKey) -> None:
    browser.post(f"/developers/keys/{key.pk}/revoke")
    key.refresh_from_db()
    first = key.revoked_at

    page = text_of(browser.get(f"/developers/keys/{key.pk}/revoke"))
    assert "“Old laptop” is revoked" in page
    assert "Revoke “Old laptop”?" not in page
    browser.post(f"/developers/keys/{key.pk}/revoke")

    key.refresh_from_db()
    assert key.revoked_at == first


@pytest.mark.parametrize("path", ["revoke", "first-call"])
def test_somebody_elses_key_does_not_exist(key: ApiKey, path: str) -> None:
    stranger = people.browser_of(people.new_person())

    assert stranger.get(f"/developers/keys/{key.pk}/{path}").status_code == 404
    assert stranger.get(f"/developers/keys/{key.pk + 1000}/{path}").status_code == 404


def test_somebody_elses_key_cannot_be_revoked(key: ApiKey) -> None:
    stranger = people.browser_of(people.new_person())

    assert stranger.post(f"/developers/keys/{key.pk}/revoke").status_code == 404

    key.refresh_from_db()
    assert key.revoked_at is None
    assert key.name not in stranger.get("/developers/keys").content.decode()


def test_a_billing_member_sees_keys_and_revokes_none(workspace: Workspace, key: ApiKey) -> None:
    browser = people.browser_of(people.new_member(workspace, Role.BILLING))

    assert browser.post(f"/developers/keys/{key.pk}/revoke").status_code == 403

    key.refresh_from_db()
    assert key.revoked_at is None
    page = browser.get("/developers/keys").content.decode()
    assert key.hint in page
    assert f"/developers/keys/{key.pk}/revoke" not in page


def test_active_keys_stand_apart_from_revoked_and_expired_ones(
    browser: Client, person: User, workspace: Workspace, key: ApiKey
) -> None:
    yesterday = timezone.now() - timedelta(days=1)
    services.mint(workspace=workspace, name="Expired", created_by=person, expires_at=yesterday)
    services.revoke(key=services.mint(workspace=workspace, name="Revoked", created_by=person).key)

    active, _, past = (
        browser.get("/developers/keys").content.decode().partition('<details class="panel')
    )
    assert "Old laptop" in active
    assert "Expired" not in active
    assert "Revoked and expired keys (2)" in past
    assert "Old laptop" not in past


def test_screen_readers_get_labels_that_distinguish_two_keys_of_one_name(
    browser: Client, person: User, workspace: Workspace, key: ApiKey
) -> None:
    namesake = services.mint(workspace=workspace, name=key.name, created_by=person).key

    page = browser.get("/developers/keys").content.decode()
    question = browser.get(f"/developers/keys/{key.pk}/revoke").content.decode()

    assert f'aria-label="Revoke {key.name}, {key.hint}"' in page
    assert f'aria-label="Revoke {namesake.name}, {namesake.hint}"' in page
    assert f'aria-label="Revoke key {key.name}"' in question


def test_without_any_key_the_page_says_what_one_is_for(browser: Client) -> None:
    page = browser.get("/developers/keys").content.decode()

    assert "No active key" in page
    assert "/developers/keys/new" in page


def test_the_list_shows_the_person_who_created_a_key_even_after_they_are_gone(
    browser: Client, workspace: Workspace
) -> None:
    colleague = people.new_member(workspace, Role.DEVELOPER)
    services.mint(workspace=workspace, name="Theirs", created_by=colleague)
    assert colleague.email in browser.get("/developers/keys").content.decode()

    colleague.delete()

    assert "Theirs" in browser.get("/developers/keys").content.decode()
