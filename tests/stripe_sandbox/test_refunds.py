"""Refunds: full, partial, slow, failing, refused."""

import pytest
import stripe

from stripe_sandbox.client import Sandbox, SandboxRefused
from tests.stripe_sandbox.library import Checkout, request_id
from tests.stripe_sandbox.receiver import Receiver


@pytest.fixture
def paid(api: stripe.StripeClient, sandbox: Sandbox, checkout: Checkout) -> stripe.Charge:
    intent = sandbox.pay(checkout().id)["intent"]
    return api.v1.charges.retrieve(intent["latest_charge"])


def test_a_whole_refund(
    api: stripe.StripeClient, sandbox: Sandbox, receiver: Receiver, paid: stripe.Charge
) -> None:
    sandbox.wait_until_delivered()
    receiver.received.clear()

    refund = api.v1.refunds.create(
        {"payment_intent": str(paid.payment_intent), "reason": "requested_by_customer"}
    )
    sandbox.wait_until_delivered()

    charge = api.v1.charges.retrieve(paid.id)
    assert refund.id.startswith("re_")
    assert (refund.amount, refund.status, refund.charge) == (2000, "succeeded", paid.id)
    assert refund.reason == "requested_by_customer"
    assert (charge.amount_refunded, charge.refunded) == (2000, True)
    assert sorted(receiver.types) == ["charge.refunded", "refund.created"]
    refunded = next(one for one in receiver.events if one["type"] == "charge.refunded")
    assert refunded["data"]["object"]["amount_refunded"] == 2000
    assert refunded["data"]["previous_attributes"] == {"amount_refunded": 0, "refunded": False}
    assert refunded["request"]["id"] == request_id(refund)
    assert refunded["request"]["idempotency_key"]


def test_parts_add_up_and_no_more(api: stripe.StripeClient, paid: stripe.Charge) -> None:
    for amount in (500, 700):
        api.v1.refunds.create({"charge": paid.id, "amount": amount})
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded") as caught:
        api.v1.refunds.create({"charge": paid.id, "amount": 801})
    rest = api.v1.refunds.create({"charge": paid.id})

    assert caught.value.param == "amount"
    assert rest.amount == 800
    with pytest.raises(stripe.InvalidRequestError) as none_left:
        api.v1.refunds.create({"charge": paid.id})
    assert none_left.value.code == "charge_already_refunded"
    listed = api.v1.refunds.list({"charge": paid.id}).data
    assert [one.amount for one in listed] == [800, 700, 500]
    found = api.v1.refunds.list({"payment_intent": str(paid.payment_intent), "limit": 2})
    assert [one.amount for one in found.data] == [800, 700]
    of_charge = api.raw_request("get", f"/v1/charges/{paid.id}/refunds", limit=1)
    assert api.deserialize(of_charge, api_mode="V1").to_dict()["data"][0]["id"] == rest.id
    assert api.v1.refunds.retrieve(rest.id).amount == 800


def test_every_movement_is_in_the_balance(api: stripe.StripeClient, paid: stripe.Charge) -> None:
    refund = api.v1.refunds.create({"charge": paid.id, "amount": 500})

    movements = api.v1.balance_transactions.list().data
    taken = api.v1.balance_transactions.retrieve(str(paid.balance_transaction))

    assert [(one.type, one.amount, one.source) for one in movements] == [
        ("refund", -500, refund.id),
        ("charge", 2000, paid.id),
    ]
    assert (taken.fee, taken.net) == (88, 1912)
    given = api.v1.balance_transactions.list({"type": "refund"}).data
    assert [one.id for one in given] == [refund.balance_transaction]
    assert [one.id for one in api.v1.balance_transactions.list({"source": paid.id}).data] == [
        taken.id
    ]


@pytest.mark.parametrize("status", ["succeeded", "failed", "canceled"])
def test_a_pending_refund_ends(
    api: stripe.StripeClient,
    sandbox: Sandbox,
    receiver: Receiver,
    paid: stripe.Charge,
    status: str,
) -> None:
    refund = sandbox.refund(paid.id, 500, outcome="pending")
    before = api.v1.charges.retrieve(paid.id).amount_refunded
    sandbox.wait_until_delivered()
    receiver.received.clear()

    sandbox.finish_refund(refund["id"], status)
    sandbox.wait_until_delivered()

    now = api.v1.refunds.retrieve(refund["id"])
    assert refund["status"] == "pending"
    assert now.status == status
    assert before == 500
    assert api.v1.charges.retrieve(paid.id).amount_refunded == (500 if status == "succeeded" else 0)
    assert {"refund.updated", "charge.refund.updated"} <= set(receiver.types)
    assert ("refund.failed" in receiver.types) == (status == "failed")


def test_a_refund_may_fail_after_it_succeeded(
    api: stripe.StripeClient, sandbox: Sandbox, receiver: Receiver, checkout: Checkout
) -> None:
    intent = sandbox.pay(checkout().id, "4000000000005126")["intent"]
    refund = api.v1.refunds.create({"payment_intent": intent["id"]})
    sandbox.run_agenda()
    sandbox.wait_until_delivered()

    now = api.v1.refunds.retrieve(refund.id, {"expand": ["failure_balance_transaction"]})
    charge = api.v1.charges.retrieve(intent["latest_charge"])

    assert refund.status == "succeeded"
    assert (now.status, now.failure_reason) == ("failed", "expired_or_canceled_card")
    assert isinstance(now.failure_balance_transaction, stripe.BalanceTransaction)
    assert now.failure_balance_transaction.amount == 2000
    assert now.failure_balance_transaction.type == "refund_failure"
    assert (charge.amount_refunded, charge.refunded) == (0, False)
    assert "refund.failed" in receiver.types
    failed = next(one for one in receiver.events if one["type"] == "refund.failed")
    assert failed["data"]["previous_attributes"]["status"] == "succeeded"


def test_a_slow_refund_succeeds_by_itself(
    api: stripe.StripeClient, sandbox: Sandbox, checkout: Checkout
) -> None:
    intent = sandbox.pay(checkout().id, "4000000000007726")["intent"]
    refund = api.v1.refunds.create({"payment_intent": intent["id"]})
    sandbox.run_agenda()

    assert refund.status == "pending"
    assert api.v1.refunds.retrieve(refund.id).status == "succeeded"


def test_a_refund_that_ended_stays_ended(sandbox: Sandbox, paid: stripe.Charge) -> None:
    refund = sandbox.refund(paid.id)
    sandbox.finish_refund(refund["id"], "failed")

    with pytest.raises(SandboxRefused, match="from failed to succeeded"):
        sandbox.finish_refund(refund["id"], "succeeded")


@pytest.mark.parametrize("amount", [0, -5])
def test_a_refund_is_of_something(
    api: stripe.StripeClient, paid: stripe.Charge, amount: int
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.refunds.create({"charge": paid.id, "amount": amount})

    assert caught.value.param == "amount"


def test_what_was_not_paid_cannot_be_refunded(
    api: stripe.StripeClient, sandbox: Sandbox, checkout: Checkout
) -> None:
    intent = sandbox.pay(checkout().id, "4000000000000002")["intent"]

    with pytest.raises(stripe.InvalidRequestError, match="has not been paid"):
        api.v1.refunds.create({"payment_intent": intent["id"]})


@pytest.mark.parametrize("params", [{}, {"charge": "ch_a", "payment_intent": "pi_a"}])
def test_a_refund_names_one_payment(api: stripe.StripeClient, params: dict[str, str]) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="payment_intent or charge"):
        api.v1.refunds.create(params)  # type: ignore[arg-type]


def test_an_operator_refunds_by_session(
    api: stripe.StripeClient, sandbox: Sandbox, checkout: Checkout
) -> None:
    session = checkout()
    with pytest.raises(SandboxRefused, match="No charge behind"):
        sandbox.refund(session.id)
    intent = sandbox.pay(session.id)["intent"]

    refund = sandbox.refund(session.id, 300)

    assert (refund["payment_intent"], refund["amount"]) == (intent["id"], 300)
