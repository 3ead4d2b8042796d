"""The operators' pages: everything is shown, nothing can be edited."""

import pytest
from django.contrib import admin
from django.test import Client, RequestFactory

from accounts.models import User

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


def test_a_page_without_an_icon_of_its_own_gets_ours(client: Client) -> None:
    assert client.get("/favicon.ico", follow=True).headers["content-type"] == "image/svg+xml"
