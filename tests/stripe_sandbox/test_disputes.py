"""Disputes and inquiries: opened, answered, won, lost."""

import pytest
import stripe

from stripe_sandbox.client import Sandbox, SandboxRefused
from tests.stripe_sandbox.library import Checkout
from tests.stripe_sandbox.receiver import Receiver


@pytest.fixture
def charge(sandbox: Sandbox, checkout: Checkout) -> str:
    return str(sandbox.pay(checkout().id)["intent"]["latest_charge"])


def dispute_events(sandbox: Sandbox, receiver: Receiver) -> list[str]:
    """The dispute events since the last call, sorted, because deliveries may overtake."""
    sandbox.wait_until_delivered()
    types = sorted(one for one in receiver.types if "dispute" in one)
    receiver.received.clear()
    return types


def test_a_dispute_takes_the_money(
    api: stripe.StripeClient, sandbox: Sandbox, receiver: Receiver, charge: str
) -> None:
    made = sandbox.open_dispute(charge, reason="product_not_received")

    dispute = api.v1.disputes.retrieve(made["id"])
    assert dispute.id.startswith("du_")
    assert (dispute.status, dispute.amount) == ("needs_response", 2000)
    assert dispute.reason == "product_not_received"
    assert [one.amount for one in dispute.balance_transactions] == [-2000]
    assert [one.fee for one in dispute.balance_transactions] == [1500]
    assert api.v1.charges.retrieve(charge).disputed is True
    assert dispute_events(sandbox, receiver) == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
    ]
    assert [one.id for one in api.v1.disputes.list({"charge": charge}).data] == [dispute.id]


def test_a_won_dispute_returns_the_money(
    api: stripe.StripeClient, sandbox: Sandbox, receiver: Receiver, charge: str
) -> None:
    made = sandbox.open_dispute(charge)
    dispute_events(sandbox, receiver)

    sandbox.close_dispute(made["id"], "won")

    dispute = api.v1.disputes.retrieve(made["id"])
    assert dispute.status == "won"
    assert [one.amount for one in dispute.balance_transactions] == [-2000, 2000]
    assert dispute_events(sandbox, receiver) == [
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    ]
    assert api.v1.refunds.create({"charge": charge}).amount == 2000


def test_a_lost_dispute_does_not_return_the_money(
    api: stripe.StripeClient, sandbox: Sandbox, receiver: Receiver, charge: str
) -> None:
    made = sandbox.open_dispute(charge)
    dispute_events(sandbox, receiver)

    sandbox.close_dispute(made["id"], "lost")

    dispute = api.v1.disputes.retrieve(made["id"])
    assert dispute.status == "lost"
    assert [one.amount for one in dispute.balance_transactions] == [-2000]
    assert dispute_events(sandbox, receiver) == ["charge.dispute.closed"]
    with pytest.raises(SandboxRefused, match="already closed"):
        sandbox.close_dispute(made["id"], "won")


def test_a_disputed_charge_cannot_be_refunded(
    api: stripe.StripeClient, sandbox: Sandbox, charge: str
) -> None:
    sandbox.open_dispute(charge)

    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.refunds.create({"charge": charge})

    assert caught.value.code == "charge_disputed"


def test_a_dispute_defaults_to_the_unrefunded_amount(sandbox: Sandbox, checkout: Checkout) -> None:
    first, second = checkout().id, checkout().id
    for session in (first, second):
        sandbox.pay(session)
        sandbox.refund(session, 500)

    assert sandbox.open_dispute(first)["amount"] == 1500
    assert sandbox.open_dispute(second, 2000)["amount"] == 2000


def test_a_charge_has_one_open_dispute(sandbox: Sandbox, charge: str) -> None:
    sandbox.open_dispute(charge, 100)

    with pytest.raises(SandboxRefused, match="open dispute"):
        sandbox.open_dispute(charge, 100)


@pytest.mark.parametrize("amount", [2001, 5_000])
def test_a_dispute_is_not_over_more_than_was_paid(
    sandbox: Sandbox, charge: str, amount: int
) -> None:
    with pytest.raises(SandboxRefused, match="to dispute"):
        sandbox.open_dispute(charge, amount)


def test_an_inquiry_moves_no_money(
    api: stripe.StripeClient, sandbox: Sandbox, receiver: Receiver, charge: str
) -> None:
    made = sandbox.open_dispute(charge, inquiry=True)
    opened = dispute_events(sandbox, receiver)
    sandbox.close_dispute(made["id"], "warning_closed")

    dispute = api.v1.disputes.retrieve(made["id"])
    assert made["status"] == "warning_needs_response"
    assert dispute.status == "warning_closed"
    assert dispute.balance_transactions == []
    assert (opened, dispute_events(sandbox, receiver)) == (
        ["charge.dispute.created"],
        ["charge.dispute.closed"],
    )


def test_an_inquiry_may_become_a_dispute(
    api: stripe.StripeClient, sandbox: Sandbox, receiver: Receiver, charge: str
) -> None:
    made = sandbox.open_dispute(charge, inquiry=True)
    dispute_events(sandbox, receiver)

    sandbox.escalate_dispute(made["id"])

    dispute = api.v1.disputes.retrieve(made["id"])
    assert dispute.status == "needs_response"
    assert [one.amount for one in dispute.balance_transactions] == [-2000]
    assert dispute_events(sandbox, receiver) == [
        "charge.dispute.funds_withdrawn",
        "charge.dispute.updated",
    ]


@pytest.mark.parametrize(
    ("text", "status"),
    [("winning_evidence", "won"), ("losing_evidence", "lost"), ("a letter", "under_review")],
)
def test_evidence_decides(
    api: stripe.StripeClient, sandbox: Sandbox, charge: str, text: str, status: str
) -> None:
    made = sandbox.open_dispute(charge)

    answered = api.v1.disputes.update(made["id"], {"evidence": {"uncategorized_text": text}})

    assert answered.status == status
    assert answered.evidence.uncategorized_text == text
    assert answered.evidence_details.has_evidence is True


def test_a_merchant_accepts_a_dispute(
    api: stripe.StripeClient, sandbox: Sandbox, charge: str
) -> None:
    made = sandbox.open_dispute(charge)

    assert api.v1.disputes.close(made["id"]).status == "lost"


def test_a_card_that_causes_an_inquiry(
    api: stripe.StripeClient, sandbox: Sandbox, checkout: Checkout
) -> None:
    sandbox.pay(checkout().id, "4000000000001976")
    sandbox.run_agenda()

    assert [one.status for one in api.v1.disputes.list().data] == ["warning_needs_response"]


def test_the_agenda_does_nothing_twice(
    api: stripe.StripeClient, sandbox: Sandbox, checkout: Checkout
) -> None:
    """A dispute opened by command is not opened again when the card's own is due."""
    session = checkout()
    sandbox.pay(session.id, "4000000000000259")
    sandbox.open_dispute(session.id)

    done = sandbox.run_agenda()

    assert done == 0
    assert len(api.v1.disputes.list().data) == 1
