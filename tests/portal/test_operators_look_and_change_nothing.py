"""The operators' pages: everything is shown, nothing can be edited."""

import pytest
from django.contrib import admin
from django.test import Client, RequestFactory

from accounts.models import User, Workspace
from billing import wallets
from billing.models import TopUp
from tests import people
from tests.reading import text_of

pytestmark = pytest.mark.django_db
LOOK_ONLY = {"add": False, "change": False, "delete": False, "view": True}


@pytest.fixture
def operator() -> User:
    return User.objects.create(email="op@example.com", is_staff=True, is_superuser=True)


def test_no_operator_can_edit_anything_there(operator: User) -> None:
    request = RequestFactory().get("/admin/")
    request.user = operator

    models = [model for app in admin.site.get_app_list(request) for model in app["models"]]

    assert "Wallets" in {model["name"] for model in models}
    assert [model["name"] for model in models if model["perms"] != LOOK_ONLY] == []


def test_top_ups_are_listed_by_workspace_and_in_dollars(
    operator: User, workspace: Workspace
) -> None:
    wallet = wallets.wallet_of(workspace)
    TopUp.objects.create(wallet=wallet, amount_cents=123_450, credits=123_450_000)

    page = text_of(people.browser_of(operator).get("/admin/billing/topup/"))

    for cell in (workspace.name, "$1,234.50", "123,450,000"):
        assert cell in page
    assert "1 top-up" in page


def test_a_page_without_an_icon_of_its_own_gets_ours(client: Client) -> None:
    assert client.get("/favicon.ico", follow=True).headers["content-type"] == "image/svg+xml"
