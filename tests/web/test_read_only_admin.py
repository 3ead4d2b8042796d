"""The operator pages: everything is shown, nothing can be edited."""

import pytest
from django.contrib import admin
from django.test import Client, RequestFactory

from accounts.models import User, Workspace
from billing.ledger import posting, wallets
from billing.models import EntryKind, TopUp
from keys import services as key_services
from tests.support import people
from tests.support.reading import text_of

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


def test_times_say_that_they_are_utc(operator: User, workspace: Workspace) -> None:
    wallet = wallets.wallet_of(workspace)
    entry = posting.post(wallet_id=wallet.pk, kind=EntryKind.GRANT, amount=9, reference="welcome")
    browser = people.browser_of(operator)

    listed = text_of(browser.get("/admin/accounts/workspace/"))
    shown = text_of(browser.get(f"/admin/billing/wallet/{wallet.pk}/change/"))

    assert f"{workspace.created_at:%Y-%m-%d %H:%M:%S} UTC" in listed
    assert f"{entry.created_at:%Y-%m-%d %H:%M:%S} UTC" in shown


def test_books_that_are_wrong_can_be_looked_at(
    operator: User, workspace: Workspace, browser: Client
) -> None:
    wallet = wallets.wallet_of(workspace)
    posting.post(wallet_id=wallet.pk, kind=EntryKind.GRANT, amount=9, reference="to begin with")
    posting.post(wallet_id=wallet.pk, kind=EntryKind.USAGE, amount=-2, reference="no-request")

    page = people.browser_of(operator).get(f"/admin/billing/wallet/{wallet.pk}/change/")

    assert "no-request" in text_of(page)
    assert "no-request" in text_of(browser.get("/developers/billing"))


@pytest.mark.parametrize("id", ["%00", "x%00", "nothing", "99999999999999999999"])
def test_an_address_without_an_object_redirects_with_a_message(operator: User, id: str) -> None:
    browser = people.browser_of(operator)

    for model in ("stripeevent", "wallet", "topup"):
        page = browser.get(f"/admin/billing/{model}/{id}/change/", follow=True)
        assert "Perhaps it was deleted?" in text_of(page)


@pytest.mark.parametrize("query", ["stripeevent/?id=%00", "topup/?state__exact=x&state__exact=%00"])
def test_a_filter_with_a_nul_is_refused(operator: User, query: str) -> None:
    assert people.browser_of(operator).get(f"/admin/billing/{query}").status_code == 400


def test_an_action_on_an_invalid_id_does_nothing(operator: User, workspace: Workspace) -> None:
    TopUp.objects.create(wallet=wallets.wallet_of(workspace), amount_cents=500, credits=500)
    chosen = {"action": "converge_now", "_selected_action": ["7"], "index": "0"}

    page = people.browser_of(operator).post("/admin/billing/topup/", chosen, follow=True)

    assert "Your selection is not a row of this list." in text_of(page)


def test_a_page_without_an_icon_of_its_own_gets_ours(client: Client) -> None:
    assert client.get("/favicon.ico", follow=True).headers["content-type"] == "image/svg+xml"


def test_lists_are_filtered_by_what_operators_look_for(
    operator: User, workspace: Workspace
) -> None:
    wallet = wallets.wallet_of(workspace)
    posting.post(wallet_id=wallet.pk, kind=EntryKind.GRANT, amount=250_000, reference="a grant")
    key = key_services.mint(workspace=workspace, name="CI", created_by=operator).key
    key_services.revoke(key=key)
    browser = people.browser_of(operator)

    def lists(query: str, text: str) -> bool:
        return text in text_of(browser.get(f"/admin/{query}"))

    assert lists("billing/wallet/", "250,000 ($2.50)")
    assert not lists("billing/wallet/?state=empty", "250,000 ($2.50)")
    assert lists("keys/apikey/?status=revoked", key.hint)
    assert not lists("keys/apikey/?status=active", key.hint)
    assert lists(f"keys/apikey/?workspace__exact={workspace.pk}", key.hint)
    assert lists("billing/wallet/?state=nonsense", "250,000 ($2.50)")
