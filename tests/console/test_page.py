"""A member opens the console's page."""

import json
import re
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Role, Workspace
from tests.support.people import browser_of, new_member
from tests.support.priced_models import a_model
from tests.support.reading import text_of

PAGE = "/developers/console"


def config_of(browser: Client) -> dict[str, object]:
    html = browser.get(PAGE).content.decode()
    found = re.search(r'<script id="console-config" type="application/json">(.*?)</script>', html)
    assert found
    config: dict[str, object] = json.loads(found[1])
    return config


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN, Role.DEVELOPER])
def test_those_who_may_make_calls_open_it_from_the_navigation(
    workspace: Workspace, role: Role
) -> None:
    browser = browser_of(new_member(workspace, role))

    assert "Console" in text_of(browser.get("/developers/usage"))
    assert f"billed to {workspace}" in text_of(browser.get(PAGE))


def test_others_neither_see_nor_open_it(workspace: Workspace, client: Client) -> None:
    browser = browser_of(new_member(workspace, Role.BILLING))

    assert "Console" not in text_of(browser.get("/developers/billing"))
    assert browser.get(PAGE).status_code == 403
    assert client.get(PAGE)["Location"].startswith("/accounts/login/")


def test_the_models_are_those_with_a_price_cheapest_first(browser: Client) -> None:
    a_model("dear", output=900_000)
    a_model("cheap", output=450_000, capabilities=["tools"])
    a_model("retired", output=1, retired_at=timezone.now())
    a_model("retired-today", output=1, retires_on=datetime.now(UTC).date())
    a_model("not-yet", output=1, starts_in_days=1)

    models = config_of(browser)["models"]

    assert isinstance(models, list)
    assert [model["id"] for model in models] == ["test/cheap", "test/dear"]
    assert models[0]["capabilities"] == ["tools"]
    assert (models[0]["input"], models[0]["output"]) == (100_000, 450_000)


def test_a_drafts_store_is_named_for_the_person_and_the_workspace(
    browser: Client, workspace: Workspace
) -> None:
    colleague = browser_of(new_member(workspace, Role.DEVELOPER))

    assert config_of(browser)["owner"] != config_of(colleague)["owner"]


def test_only_developers_with_money_rights_are_led_to_a_top_up(
    browser: Client, workspace: Workspace
) -> None:
    developer = browser_of(new_member(workspace, Role.DEVELOPER))

    assert config_of(browser)["canTopUp"] is True
    assert config_of(developer)["canTopUp"] is False


def test_the_editors_styles_have_a_nonce_and_scripts_still_only_our_origin(browser: Client) -> None:
    first, second = browser.get(PAGE), browser.get(PAGE)

    nonces = [re.search(r' nonce="([^"]+)"', page.content.decode()) for page in (first, second)]
    assert nonces[0]
    assert nonces[1]
    assert nonces[0][1] != nonces[1][1]
    policy = first["Content-Security-Policy"]
    assert f"style-src 'self' 'nonce-{nonces[0][1]}'" in policy
    assert "script-src 'self'" in policy.split("; ")


def test_a_browser_without_scripts_reads_what_is_needed(browser: Client) -> None:
    html = browser.get(PAGE).content.decode()

    explained = html.partition('without-js">')[2].partition('id="notices"')[0]
    assert "The console needs JavaScript." in explained
    assert "/docs/quickstart" in explained
