"""A payment that differs from our row needs review by a person, and credits nothing."""

from typing import Any

import pytest
from pytest_django.fixtures import Settings

from billing.models import TopUp, TopUpState
from billing.stripe import convergence
from stripe_sandbox.client import Sandbox
from tests.billing.top_ups.shop import Buyer, deliver, entries_of, paid, pay


@pytest.mark.parametrize(
    ("ours", "named"),
    [
        ({"amount_cents": 200_000}, "amount"),
        ({"currency": "eur"}, "currency"),
        ({"stripe_customer_id": "cus_else"}, "customer"),
    ],
)
def test_a_payment_of_something_else_needs_review(
    buyer: Buyer, sandbox: Sandbox, ours: dict[str, Any], named: str
) -> None:
    top_up = buyer.start()
    TopUp.objects.update(**ours)

    pay(sandbox, top_up)
    deliver(sandbox)

    top_up.refresh_from_db()
    assert top_up.state == TopUpState.NEEDS_REVIEW
    assert named in top_up.review_reason
    assert entries_of(buyer.wallet) == []


def test_a_payment_for_another_top_up_needs_review(buyer: Buyer, sandbox: Sandbox) -> None:
    """The session of one top-up is set on the row of another."""
    small, large = buyer.start(dollars=5), buyer.start(dollars=5)
    pay(sandbox, small)
    paid_session = small.stripe_session_id
    TopUp.objects.filter(pk=small.pk).update(stripe_session_id=None)
    TopUp.objects.filter(pk=large.pk).update(stripe_session_id=paid_session)

    assert convergence.converge(top_up_id=large.pk).state == TopUpState.NEEDS_REVIEW
    assert entries_of(buyer.wallet) == []


def test_test_money_is_not_taken_for_real(
    buyer: Buyer, sandbox: Sandbox, settings: Settings
) -> None:
    top_up = buyer.start()
    pay(sandbox, top_up)
    settings.STRIPE_LIVEMODE = True

    assert convergence.converge(top_up_id=top_up.pk).state == TopUpState.NEEDS_REVIEW
    assert entries_of(buyer.wallet) == []


def test_it_is_credited_once_a_person_has_corrected_the_row(buyer: Buyer, sandbox: Sandbox) -> None:
    top_up = buyer.start()
    TopUp.objects.update(currency="eur")
    pay(sandbox, top_up)
    deliver(sandbox)
    TopUp.objects.update(currency="usd")

    top_up = convergence.converge(top_up_id=top_up.pk)

    assert (top_up.state, top_up.review_reason) == (TopUpState.PAID, "")
    assert buyer.wallet.posted == 2_000_000


def test_credits_that_landed_stay_while_it_needs_review(buyer: Buyer, sandbox: Sandbox) -> None:
    top_up = paid(buyer, sandbox)
    TopUp.objects.update(stripe_customer_id="cus_else")

    assert convergence.converge(top_up_id=top_up.pk).state == TopUpState.NEEDS_REVIEW
    assert buyer.wallet.posted == 2_000_000
