"""A call from a page needs a session, a CSRF token, an origin of ours and a role; nothing else of
the request is read before that."""

from collections.abc import Callable

import pytest

from accounts.models import Membership, Role, User
from console.endpoints import ENDPOINTS
from tests.support import people
from tests.support.callers import Answer, request_body
from tests.support.customers import Customer
from tests.support.gateways import NewCustomer
from tests.support.page_caller import RUN, PageCaller, at_a_page
from tests.support.replies import says
from tests.support.scripted_upstream import ScriptedUpstream
from tests.support.servers import WebServer

CHECK = "/developers/console/check"
KNOWN = {"public", "member: owner, admin, developer"}
BODY = request_body("Hello")


@pytest.fixture
def page(customer: Customer) -> PageCaller:
    return at_a_page(customer.owner, url=customer.url)


def assert_refused(answer: Answer, *, status: int, kind: str) -> None:
    assert answer.status == status
    assert answer.error["type"] == kind


def assert_nothing_happened(customer: Customer) -> None:
    assert customer.wallet().posted == 1_000_000
    assert customer.open_holds() == 0
    assert customer.records() == []


def test_each_endpoint_declares_who_may_use_it() -> None:
    assert {getattr(endpoint, "access_policy", None) for endpoint in ENDPOINTS.values()} <= KNOWN


def test_a_stranger_is_asked_to_sign_in(customer: Customer) -> None:
    for session in (None, "no-session-of-ours", "\x80"):
        answer = PageCaller(customer.url, session).send(BODY).answer()

        assert_refused(answer, status=401, kind="authentication_error")


@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_content_type_that_django_cannot_read_is_no_fault_of_ours(
    customer: Customer, path: str
) -> None:
    headers = {"content-type": "text/plain; charset*=no-charset''%ff"}

    answer = PageCaller(customer.url, None).send(BODY, path=path, headers=headers).answer()

    assert answer.status < 500, answer.error


def test_a_key_is_no_session(customer: Customer) -> None:
    answer = customer.caller.post(RUN, BODY)

    assert_refused(answer, status=401, kind="authentication_error")
    assert_nothing_happened(customer)


def test_a_deactivated_person_is_signed_out(customer: Customer, page: PageCaller) -> None:
    User.objects.filter(pk=customer.owner.pk).update(is_active=False)

    assert_refused(page.send(BODY).answer(), status=401, kind="authentication_error")


FORGED: dict[str, Callable[[PageCaller], Answer]] = {
    "no token": lambda page: page.send(BODY, without=("x-csrftoken",)).answer(),
    "another token": lambda page: page.send(BODY, headers={"x-csrftoken": "d" * 32}).answer(),
    "a token of the wrong length": lambda page: page.send(
        BODY, headers={"x-csrftoken": "c"}
    ).answer(),
    "another origin": lambda page: page.send(
        BODY, headers={"origin": "https://evil.example"}
    ).answer(),
    "an opaque origin": lambda page: page.send(BODY, headers={"origin": "null"}).answer(),
    "a form without a boundary": lambda page: page.send(
        BODY, without=("x-csrftoken",), headers={"content-type": "multipart/form-data"}
    ).answer(),
    "a form over Django's limit": lambda page: page.send(
        b"a" * 3_000_000,
        without=("x-csrftoken",),
        headers={"content-type": "application/x-www-form-urlencoded"},
    ).answer(),
    "a form's own token": lambda page: page.send(
        b"csrfmiddlewaretoken=" + b"c" * 32,
        without=("x-csrftoken",),
        headers={"content-type": "application/x-www-form-urlencoded"},
    ).answer(),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_a_request_that_no_page_of_ours_sent_is_refused(
    customer: Customer, page: PageCaller, forge: Callable[[PageCaller], Answer]
) -> None:
    assert_refused(forge(page), status=403, kind="permission_error")
    assert_nothing_happened(customer)


@pytest.mark.parametrize("role", Role)
def test_the_roles_that_may_hold_keys_may_run(
    customer: Customer, upstream: ScriptedUpstream, role: Role
) -> None:
    member = people.new_member(customer.workspace, role)
    script = upstream.script(says("Hello"))

    answer = at_a_page(member, url=customer.url).ask(script.prompt)

    if role is Role.BILLING:
        assert_refused(answer, status=403, kind="permission_error")
        assert_nothing_happened(customer)
    else:
        assert answer.status == 200
        assert customer.wait_for_record().member_id == member.pk


def test_without_a_workspace_there_is_nothing_to_run_in(
    customer: Customer, page: PageCaller
) -> None:
    Membership.objects.filter(user=customer.owner).delete()

    assert_refused(page.send(BODY).answer(), status=403, kind="permission_error")


def test_each_session_pays_from_its_own_workspace(
    new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    one, other = new_customer(), new_customer()

    at_a_page(one.owner, url=one.url).ask(upstream.script(says("Hello")).prompt)

    assert len(one.records()) == 1
    assert_nothing_happened(other)


@pytest.mark.parametrize("path", [RUN, CHECK])
def test_a_page_of_another_workspace_sends_nothing(
    customer: Customer, new_customer: NewCustomer, page: PageCaller, path: str
) -> None:
    other = new_customer()
    workspace = customer.workspace
    own = f"{customer.owner.pk}.{workspace.pk}"

    for name in (
        f"{customer.owner.pk}.{other.workspace.pk}",
        f"{other.owner.pk}.{workspace.pk}",
        "",
    ):
        answer = page.send(BODY, path=path, headers={"caicaini-page-of": name}).answer()

        assert_refused(answer, status=403, kind="permission_error")
        assert answer.error["details"]["error_code"] == "other_workspace"
    assert_nothing_happened(customer)
    assert page.send(BODY, path=CHECK, headers={"caicaini-page-of": own}).answer().status == 200


def test_a_stranger_s_body_is_not_even_looked_at(customer: Customer) -> None:
    answer = PageCaller(customer.url, None).send(b"{ not JSON").answer()

    assert_refused(answer, status=401, kind="authentication_error")


def test_a_body_over_the_limit_is_refused(new_customer: NewCustomer, small: WebServer) -> None:
    customer = new_customer(url=small.url)
    page = at_a_page(customer.owner, url=small.url)

    answer = page.send(request_body("Hello" * 10_000)).answer()

    assert_refused(answer, status=413, kind="request_too_large")
    assert_nothing_happened(customer)


def test_a_stranger_s_large_body_is_discarded_and_answered(small: WebServer) -> None:
    answer = PageCaller(small.url, None).send(request_body("Hello" * 2_000)).answer()

    assert_refused(answer, status=401, kind="authentication_error")


def test_only_post_is_taken(page: PageCaller) -> None:
    for method in ("GET", "PUT", "DELETE", "OPTIONS"):
        answer = page.send(None, method=method).answer()

        assert answer.status == 405
        assert answer.headers["allow"] == "POST"
