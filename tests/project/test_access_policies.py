"""Every page declares an access policy and enforces it."""

from collections.abc import Callable
from uuid import UUID

import pytest
from django.http import HttpResponseBase
from django.test import Client
from django.utils import timezone

from accounts.models import Membership, Role, User, Workspace
from billing.ledger import wallets
from billing.models import Hold, TopUp
from keys import services
from keys.models import ApiKey
from tests.support import people, request_records
from tests.support.routes import FOREIGN, Route, all_routes, our_routes

KNOWN = {"public", "signed in", "operator"}


def named(route: Route) -> str:
    return route.pattern or "/"


@pytest.mark.parametrize("route", our_routes(), ids=named)
def test_each_route_of_ours_declares_who_may_open_it(route: Route) -> None:
    assert route.policy is not None, f"decorate {route.view} with one of accounts/access.py"
    assert route.policy in KNOWN or roles_of(route) <= set(Role.values)


@pytest.mark.parametrize("prefix", FOREIGN)
def test_the_exempt_prefixes_lead_to_foreign_views_only(prefix: str) -> None:
    foreign = [route for route in all_routes() if route.pattern.startswith(prefix)]

    assert foreign
    ours = [route for route in foreign if not _is_foreign(route)]
    assert not ours, "one of our views is under an exempt prefix"


def _is_foreign(route: Route) -> bool:
    """Whether another package guards a view: its own, or one that the admin site wraps."""
    is_theirs = route.view.__module__.startswith(("allauth.", "django."))
    return is_theirs or hasattr(route.view, "model_admin")


def roles_of(route: Route) -> set[str]:
    """Return the roles that a policy names; none for a policy without roles."""
    if route.policy is None or not route.policy.startswith("member: "):
        return set()
    return set(route.policy.removeprefix("member: ").split(", "))


MEMBER_ROUTES = [route for route in our_routes() if roles_of(route)]
ADDRESSES: dict[str, Callable[[Workspace], str]] = {
    "<int:key_id>": lambda workspace: str(a_key(workspace).pk),
    "<int:wallet_id>": lambda workspace: str(wallets.wallet_of(workspace).pk),
    "<str:request_id>": lambda workspace: f"req_{a_call(workspace).hex}",
    "<uuid:top_up_id>": lambda workspace: str(a_top_up(workspace).pk),
    "<page_slug:slug>": lambda _: "quickstart",
    "<str:name>": lambda _: "none.log",
    "<int:year>-<int:month>": lambda _: f"{timezone.now():%Y-%-m}",
}


def a_key(workspace: Workspace) -> ApiKey:
    person = User.objects.filter(memberships__workspace=workspace).earliest("pk")
    return services.mint(workspace=workspace, name="CI", created_by=person).key


def a_call(workspace: Workspace) -> UUID:
    record = request_records.a_record(workspace)
    Hold.objects.create(
        wallet=wallets.wallet_of(workspace),
        id=record.id,
        source=record.source,
        amount=12,
        owner=1,
        accepted_at=record.accepted_at,
    )
    request_records.write(record)
    return record.id


def a_top_up(workspace: Workspace) -> TopUp:
    wallet = wallets.wallet_of(workspace)
    return TopUp.objects.create(wallet=wallet, amount_cents=500, credits=500_000)


def address_of(route: Route, workspace: Workspace) -> str:
    """Return a real address of the route, for an object of the workspace."""
    address = "/" + route.pattern
    for placeholder, value in ADDRESSES.items():
        if placeholder in address:
            address = address.replace(placeholder, value(workspace))
    assert "<" not in address, f"ADDRESSES has no value for {address}"
    return address


def visit(browser: Client, address: str) -> HttpResponseBase:
    """Open the page; where only POST is allowed, send an empty form."""
    answer = browser.get(address)
    return browser.post(address) if answer.status_code == 405 else answer


def is_sign_in(answer: HttpResponseBase) -> bool:
    return answer.status_code == 302 and answer["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("route", our_routes(), ids=named)
def test_a_stranger_opens_what_is_public_and_is_asked_to_sign_in_for_the_rest(
    route: Route, workspace: Workspace
) -> None:
    answer = visit(Client(), address_of(route, workspace))

    if route.policy == "public":
        assert not is_sign_in(answer)
        assert answer.status_code not in {401, 403, 500}
    elif route.policy == "operator":
        assert answer.status_code == 404
    else:
        assert is_sign_in(answer)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("route", MEMBER_ROUTES, ids=named)
def test_a_member_opens_what_the_policy_names_their_role_for_and_nothing_else(
    route: Route, role: Role, person: User, workspace: Workspace
) -> None:
    browser = people.browser_of(people.new_member(workspace, role))

    answer = visit(browser, address_of(route, workspace))

    is_refused = answer.status_code == 403
    assert is_refused == (role not in roles_of(route))
    assert answer.status_code < 500


@pytest.mark.parametrize(
    "route", [route for route in MEMBER_ROUTES if "_id>" in route.pattern], ids=named
)
def test_what_belongs_to_another_workspace_does_not_exist(
    route: Route, workspace: Workspace
) -> None:
    stranger = people.browser_of(people.new_person())

    assert visit(stranger, address_of(route, workspace)).status_code == 404


@pytest.mark.parametrize("route", MEMBER_ROUTES, ids=named)
def test_without_a_workspace_there_is_nothing_to_open(
    route: Route, person: User, workspace: Workspace
) -> None:
    address = address_of(route, workspace)
    Membership.objects.filter(user=person).delete()

    assert visit(people.browser_of(person), address).status_code == 404


@pytest.mark.parametrize(
    "route", [route for route in our_routes() if route.policy == "signed in"], ids=named
)
def test_what_is_for_the_signed_in_opens_without_a_workspace_too(
    route: Route, person: User, workspace: Workspace
) -> None:
    address = address_of(route, workspace)
    Membership.objects.filter(user=person).delete()

    assert visit(people.browser_of(person), address).status_code == 200


@pytest.mark.parametrize("route", MEMBER_ROUTES, ids=named)
def test_pages_of_a_workspace_are_kept_by_no_cache(
    route: Route, browser: Client, workspace: Workspace
) -> None:
    answer = visit(browser, address_of(route, workspace))

    assert "no-store" in answer.get("Cache-Control", "") or answer.status_code == 404


def test_operators_enter_the_operator_pages_and_nobody_else_does(
    browser: Client, person: User
) -> None:
    assert browser.get("/admin/", follow=True).status_code == 404
    assert Client().get("/admin/").status_code == 302

    User.objects.filter(pk=person.pk).update(is_staff=True)

    assert browser.get("/admin/").status_code == 200


def test_operators_sign_in_where_everybody_does() -> None:
    answer = Client().get("/admin/login/?next=/admin/")

    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")


def test_the_operator_pages_have_no_password_form_of_their_own(
    browser: Client, person: User
) -> None:
    User.objects.filter(pk=person.pk).update(is_staff=True)
    guess = {"username": person.email, "password": "a guess", "next": "/admin/"}

    signed_in = browser.post("/admin/login/", guess)
    stranger = Client().post("/admin/login/", guess)

    assert (signed_in.status_code, signed_in["Location"]) == (302, "/admin/")
    assert stranger["Location"].startswith("/accounts/login/")
    assert b"password" not in browser.get("/admin/login/").content


@pytest.mark.django_db
@pytest.mark.parametrize(
    "page",
    [
        *("/accounts/login/", "/accounts/signup/", "/accounts/password/reset/"),
        *("/accounts/confirm-email/none/", "/admin/login/", "/admin/", "/operator/audit"),
        *("/developers/keys", "/developers/nowhere"),
    ],
)
def test_pages_of_accounts_and_operators_are_kept_by_no_cache(page: str) -> None:
    assert "no-store" in Client().get(page)["Cache-Control"]
