"""What operators see of top-ups, and the button that converges one."""

import pytest
from django.test import Client

from accounts.models import User
from billing.models import TopUpState
from stripe_sandbox.client import Sandbox
from tests.billing.top_ups.pages import buy
from tests.billing.top_ups.shop import deliver, pay
from tests.support import people
from tests.support.reading import text_of


@pytest.fixture
def operator(db: None) -> Client:
    """The browser of a signed-in operator."""
    return people.browser_of(User.objects.create_superuser("operator@example.com", people.PASSWORD))


def test_an_operator_converges_by_hand(shopper: Client, sandbox: Sandbox, operator: Client) -> None:
    sandbox.set_faults(drop_types=["*"])
    top_up = buy(shopper)
    pay(sandbox, top_up)

    answer = operator.post(
        "/admin/billing/topup/",
        {"action": "converge_now", "_selected_action": str(top_up.pk)},
        follow=True,
    )

    assert f"{top_up.pk} is paid." in text_of(answer)
    top_up.refresh_from_db()
    assert top_up.state == TopUpState.PAID


def test_an_operator_sees_that_stripe_is_unavailable(
    shopper: Client, sandbox: Sandbox, operator: Client
) -> None:
    top_up = buy(shopper)
    sandbox.start_outage("server_error")

    answer = operator.post(
        "/admin/billing/topup/",
        {"action": "converge_now", "_selected_action": str(top_up.pk)},
        follow=True,
    )

    assert "An unknown error occurred" in text_of(answer)


def test_an_operator_sees_the_inbox(shopper: Client, sandbox: Sandbox, operator: Client) -> None:
    pay(sandbox, buy(shopper))
    deliver(sandbox)

    page = operator.get("/admin/billing/stripeevent/")

    assert "checkout.session.completed" in text_of(page)
