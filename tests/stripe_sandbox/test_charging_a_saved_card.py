"""Payment intents and setup intents through the API, as automatic top-ups need them."""

from typing import Any

import pytest
import stripe

from stripe_sandbox.client import Sandbox
from tests.stripe_sandbox.library import Checkout

THREE_D_SECURE = "pm_card_authenticationRequiredOnSetup"


def off_session(api: stripe.StripeClient, **params: Any) -> stripe.PaymentIntent:
    wanted = {
        "amount": 2000,
        "currency": "usd",
        "confirm": True,
        "off_session": True,
        **params,
    }
    return api.v1.payment_intents.create(wanted)  # type: ignore[arg-type]


@pytest.fixture
def customer(api: stripe.StripeClient) -> stripe.Customer:
    return api.v1.customers.create({"email": "a@b.example"})


def test_a_card_saved_at_checkout_is_charged_later(
    api: stripe.StripeClient, sandbox: Sandbox, checkout: Checkout, customer: stripe.Customer
) -> None:
    session = checkout(
        customer=customer.id, payment_intent_data={"setup_future_usage": "off_session"}
    )
    sandbox.pay(session.id)
    saved = api.v1.customers.payment_methods.list(customer.id, {"type": "card"}).data

    intent = off_session(api, customer=customer.id, payment_method=saved[0].id)

    assert [one.card.last4 for one in saved if one.card] == ["4242"]
    assert (intent.status, intent.amount_received) == ("succeeded", 2000)
    charge = api.v1.charges.retrieve(str(intent.latest_charge))
    assert (charge.paid, charge.captured, charge.customer) == (True, True, customer.id)
    assert api.v1.payment_intents.list({"customer": customer.id}).data[0].id == intent.id


def test_a_card_is_not_saved_unasked(
    api: stripe.StripeClient, sandbox: Sandbox, checkout: Checkout, customer: stripe.Customer
) -> None:
    sandbox.pay(checkout(customer=customer.id).id)

    assert api.v1.customers.payment_methods.list(customer.id).data == []


@pytest.mark.parametrize(
    ("token", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"),
        ("pm_card_authenticationRequired", "authentication_required", "authentication_required"),
    ],
)
def test_a_refused_card_is_a_card_error_with_its_intent(
    api: stripe.StripeClient, customer: stripe.Customer, token: str, code: str, decline_code: str
) -> None:
    with pytest.raises(stripe.CardError) as caught:
        off_session(api, customer=customer.id, payment_method=token)

    error = caught.value.error
    assert caught.value.http_status == 402
    assert error is not None
    assert (error.code, error.decline_code) == (code, decline_code)
    assert error.payment_intent is not None
    intent = api.v1.payment_intents.retrieve(error.payment_intent.id)
    assert intent.status == "requires_payment_method"
    assert intent.last_payment_error is not None
    assert intent.last_payment_error.code == code
    failed = api.v1.charges.list({"payment_intent": intent.id}).data[0]
    assert (failed.id, failed.status, failed.paid) == (error.charge, "failed", False)
    assert failed.failure_code == code


def test_a_card_set_up_with_3d_secure_needs_no_challenge_later(
    api: stripe.StripeClient, sandbox: Sandbox, checkout: Checkout, customer: stripe.Customer
) -> None:
    session = checkout(
        customer=customer.id, payment_intent_data={"setup_future_usage": "off_session"}
    )
    sandbox.pay(session.id, "4000002500003155")
    sandbox.authenticate(session.id)
    saved = api.v1.customers.payment_methods.list(customer.id).data[0]

    assert off_session(api, customer=customer.id, payment_method=saved.id).status == "succeeded"
    with pytest.raises(stripe.CardError, match="requires authentication"):
        off_session(api, customer=customer.id, payment_method=THREE_D_SECURE)


def test_somebody_elses_card_is_refused(
    api: stripe.StripeClient, customer: stripe.Customer
) -> None:
    method = api.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    other = api.v1.customers.create()

    with pytest.raises(stripe.InvalidRequestError) as caught:
        off_session(api, customer=other.id, payment_method=method.id)

    assert caught.value.param == "payment_method"
    assert api.v1.payment_intents.list().data == []


def test_an_intent_is_confirmed_and_canceled_on_its_own(
    api: stripe.StripeClient, customer: stripe.Customer
) -> None:
    first = api.v1.payment_intents.create(
        {
            "amount": 700,
            "currency": "usd",
            "customer": customer.id,
            "payment_method": "pm_card_visa",
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "metadata": {"top_up": "1"},
        }
    )
    confirmed = api.v1.payment_intents.confirm(first.id)
    second = api.v1.payment_intents.create({"amount": 700, "currency": "usd"})
    canceled = api.v1.payment_intents.cancel(second.id, {"cancellation_reason": "abandoned"})

    assert (first.status, confirmed.status) == ("requires_confirmation", "succeeded")
    assert (second.status, canceled.status) == ("requires_payment_method", "canceled")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.payment_intents.confirm(second.id, {"payment_method": "pm_card_visa"})
    assert caught.value.code == "payment_intent_unexpected_state"
    found = api.v1.payment_intents.search({"query": "status:'succeeded'"}).data
    assert [one.id for one in found] == [first.id]


def test_an_intent_without_a_method_cannot_be_confirmed(api: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="missing a payment method"):
        api.v1.payment_intents.create({"amount": 700, "currency": "usd", "confirm": True})

    assert api.v1.payment_intents.list().data == []


def test_an_on_session_intent_asks_for_authentication(api: stripe.StripeClient) -> None:
    intent = api.v1.payment_intents.create(
        {
            "amount": 700,
            "currency": "usd",
            "confirm": True,
            "payment_method": THREE_D_SECURE,
            "return_url": "https://shop.example/back",
        }
    )

    assert intent.status == "requires_action"
    assert intent.next_action is not None
    assert intent.next_action.redirect_to_url is not None
    assert str(intent.next_action.redirect_to_url.url).endswith(f"/c/authenticate/{intent.id}")


def test_a_bank_debit_from_code_ends_later(api: stripe.StripeClient, sandbox: Sandbox) -> None:
    good, bad = (
        api.v1.payment_intents.create(
            {"amount": 700, "currency": "usd", "confirm": True, "payment_method": token}
        ).id
        for token in ("pm_usBankAccount_success", "pm_usBankAccount_accountClosed")
    )
    waiting = [api.v1.payment_intents.retrieve(one).status for one in (good, bad)]
    sandbox.run_agenda()

    assert waiting == ["processing", "processing"]
    assert api.v1.payment_intents.retrieve(good).status == "succeeded"
    failed = api.v1.payment_intents.retrieve(bad, {"expand": ["latest_charge"]})
    assert failed.status == "requires_payment_method"
    assert failed.last_payment_error is not None
    assert failed.last_payment_error.code == "account_closed"
    assert isinstance(failed.latest_charge, stripe.Charge)
    assert failed.latest_charge.status == "failed"


def test_a_setup_intent_saves_a_card(api: stripe.StripeClient, customer: stripe.Customer) -> None:
    intent = api.v1.setup_intents.create(
        {
            "customer": customer.id,
            "payment_method": "pm_card_visa",
            "usage": "off_session",
            "confirm": True,
        }
    )

    assert intent.status == "succeeded"
    assert intent.usage == "off_session"
    method = api.v1.payment_methods.retrieve(str(intent.payment_method))
    assert method.customer == customer.id
    listed = api.v1.setup_intents.list({"customer": customer.id}).data
    assert [one.id for one in listed] == [intent.id]
    assert api.v1.setup_intents.retrieve(intent.id).status == "succeeded"


def test_a_setup_intent_is_confirmed_on_its_own_and_may_be_refused(
    api: stripe.StripeClient,
) -> None:
    made = [api.v1.setup_intents.create({}).id for _ in range(3)]

    good = api.v1.setup_intents.confirm(made[0], {"payment_method": "pm_card_visa"})
    challenged = api.v1.setup_intents.confirm(made[1], {"payment_method": THREE_D_SECURE})
    with pytest.raises(stripe.CardError) as caught:
        api.v1.setup_intents.confirm(made[2], {"payment_method": "pm_card_chargeDeclined"})

    assert (good.status, challenged.status) == ("succeeded", "requires_action")
    assert caught.value.error is not None
    assert caught.value.error.setup_intent is not None
    assert caught.value.error.setup_intent.status == "requires_payment_method"


def test_payment_methods_come_and_go(api: stripe.StripeClient, customer: stripe.Customer) -> None:
    made = api.v1.payment_methods.create(
        {
            "type": "card",
            "card": {"number": "4242424242424242", "exp_month": 1, "exp_year": 2040, "cvc": "1"},
        }
    )
    attached = api.v1.payment_methods.attach(made.id, {"customer": customer.id})
    listed = api.v1.payment_methods.list({"customer": customer.id, "type": "card"}).data
    detached = api.v1.payment_methods.detach(made.id)

    assert (made.customer, attached.customer, detached.customer) == (None, customer.id, None)
    assert [one.id for one in listed] == [made.id]
    assert api.v1.payment_methods.list({"customer": customer.id}).data == []
