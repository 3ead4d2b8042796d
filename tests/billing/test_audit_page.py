"""The operators' page about the audit, and its button that unfreezes a workspace."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from billing.audit import runs
from billing.models import AuditKind, AuditRun
from tests.support import people
from tests.support.books import Books, open_books


@pytest.fixture
def operator(db: None) -> Client:
    return new_operator()


def new_operator() -> Client:
    """The browser of a signed-in operator."""
    user = people.new_person()
    User.objects.filter(pk=user.pk).update(is_staff=True)
    return people.browser_of(User.objects.get(pk=user.pk))


@pytest.fixture
def frozen(db: None) -> Books:
    books = open_books(500)
    books.freeze()
    return books


def page(browser: Client) -> str:
    response = browser.get("/operator/audit")
    assert response.status_code == 200
    return response.text


def run_of(kind: AuditKind, *, findings: list[dict[str, object]]) -> AuditRun:
    now = timezone.now()
    return AuditRun.objects.create(
        kind=kind,
        started_at=now,
        covered_until=now,
        is_ok=not findings,
        wallets=3,
        entries=123_456,
        holds=7,
        records=9,
        findings=findings,
    )


def test_it_does_not_exist_for_others(browser: Client, client: Client, frozen: Books) -> None:
    address = f"/operator/audit/unfreeze/{frozen.wallet_id}"

    assert browser.get("/operator/audit").status_code == 404
    assert client.get("/operator/audit").status_code == 404
    assert browser.post(address).status_code == 404
    assert frozen.wallet().frozen_at is not None


def test_before_the_first_audit_it_says_so(operator: Client) -> None:
    assert "No audit has run yet" in page(operator)


def test_it_shows_what_the_last_audit_saw(operator: Client) -> None:
    run_of(AuditKind.FULL, findings=[])

    shown = page(operator)

    assert "123,456" in shown
    assert "In order" in shown
    assert "broken" not in shown
    assert "Do the worker and the scheduler run?" not in shown


def test_it_says_when_audits_have_stopped(operator: Client) -> None:
    run = run_of(AuditKind.RECENT, findings=[])
    AuditRun.objects.filter(pk=run.pk).update(finished_at=timezone.now() - timedelta(minutes=6))

    assert "Do the worker and the scheduler run?" in page(operator)


def test_it_names_what_was_found(operator: Client) -> None:
    finding = {
        "rule": "held is the sum of the open holds",
        "count": 2,
        "wallet_ids": [4],
        "places": ["wallet 4"],
    }
    run_of(AuditKind.RECENT, findings=[finding])

    shown = page(operator)

    assert "Broken in 2 places: held is the sum of the open holds" in shown
    assert "wallet 4" in shown


def test_a_button_unfreezes_a_workspace(operator: Client, frozen: Books) -> None:
    address = f"/operator/audit/unfreeze/{frozen.wallet_id}"
    assert address in page(operator)

    response = operator.post(address, follow=True)

    assert frozen.wallet().frozen_at is None
    assert f"{frozen.workspace} can make calls again" in response.text.replace("&#x27;", "'")
    assert address not in page(operator)


def test_a_get_unfreezes_nobody(operator: Client, frozen: Books) -> None:
    assert operator.get(f"/operator/audit/unfreeze/{frozen.wallet_id}").status_code == 405
    assert frozen.wallet().frozen_at is not None


@pytest.mark.django_db(transaction=True)
def test_what_an_audit_finds_stands_on_the_page() -> None:
    books = open_books(500)
    books.set_held(10)
    runs.run_recent()

    shown = page(new_operator())

    assert "held is the sum of the open holds" in shown
    assert f"/operator/audit/unfreeze/{books.wallet_id}" in shown
