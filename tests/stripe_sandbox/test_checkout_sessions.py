"""Checkout Sessions: accepted parameters, shown fields, refusals, expiry."""

import pytest
import stripe

from stripe_sandbox.client import Sandbox
from tests.stripe_sandbox.library import Checkout
from tests.stripe_sandbox.receiver import Receiver


def test_a_session_repeats_what_it_was_given(api: stripe.StripeClient, checkout: Checkout) -> None:
    customer = api.v1.customers.create({"email": "a@b.example"})
    session = checkout(
        customer=customer.id,
        client_reference_id="top-up-1",
        metadata={"workspace": "42"},
        payment_intent_data={"metadata": {"top_up": "1"}, "description": "Top-up"},
        locale="en",
        submit_type="pay",
    )

    assert session.id.startswith("cs_test_")
    assert session.client_reference_id == "top-up-1"
    assert session.metadata is not None
    assert session.metadata.to_dict() == {"workspace": "42"}
    assert session.customer == customer.id
    assert (session.status, session.payment_status, session.mode) == ("open", "unpaid", "payment")
    assert (session.amount_total, session.currency) == (2000, "usd")
    assert session.payment_intent is None  # made when the payer first tries
    assert session.expires_at == session.created + 86_400
    assert session.livemode is False


def test_a_payment_carries_the_intent_data_of_its_session(
    api: stripe.StripeClient, sandbox: Sandbox, checkout: Checkout
) -> None:
    data = {"metadata": {"top_up": "1"}, "description": "Top-up", "receipt_email": "r@b.example"}
    paid = sandbox.pay(checkout(payment_intent_data=data).id)

    intent = api.v1.payment_intents.retrieve(paid["intent"]["id"])
    charge = api.v1.charges.retrieve(str(intent.latest_charge))

    assert intent.metadata.to_dict() == charge.metadata.to_dict() == {"top_up": "1"}
    assert charge.description == "Top-up"
    assert charge.receipt_email == "r@b.example"
    assert charge.receipt_url


@pytest.mark.parametrize(
    ("params", "param", "code"),
    [
        ({"mode": "subscription"}, "mode", None),
        ({"success_url": ""}, "success_url", "parameter_missing"),
        ({"success_url": "javascript:alert(1)"}, "success_url", "url_invalid"),
        ({"line_items": []}, "line_items", "parameter_missing"),
        ({"unit_amount": 49}, "amount", "amount_too_small"),
        ({"unit_amount": 100_000_000}, "amount", "amount_too_large"),
        (
            {"unit_amount": -5},
            "line_items[0][price_data][unit_amount]",
            "parameter_invalid_integer",
        ),
        (
            {"unit_amount": "ten"},
            "line_items[0][price_data][unit_amount]",
            "parameter_invalid_integer",
        ),
        ({"customer": "cus_nobody"}, "customer", "resource_missing"),
        ({"expires_at": 1_000_000_000}, "expires_at", None),
        ({"expires_at": 4_000_000_000}, "expires_at", None),
        ({"client_reference_id": "x" * 201}, "client_reference_id", None),
        ({"payment_method_types": ["klarna"]}, "payment_method_types", None),
        ({"automatic_tax": {"enabled": "maybe"}}, "automatic_tax[enabled]", None),
        ({"automatic_tax": {"colour": "red"}}, "automatic_tax[colour]", "parameter_unknown"),
    ],
)
def test_a_session_refuses(
    api: stripe.StripeClient,
    checkout: Checkout,
    params: dict[str, object],
    param: str,
    code: str | None,
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        checkout(**params)

    assert (caught.value.param, caught.value.code) == (param, code)
    assert api.v1.checkout.sessions.list().data == []


def test_a_customer_and_an_address_exclude_each_other(
    api: stripe.StripeClient, checkout: Checkout
) -> None:
    customer = api.v1.customers.create()

    with pytest.raises(stripe.InvalidRequestError, match="customer_email"):
        checkout(customer=customer.id, customer_email="a@b.example")


def test_sessions_are_found_by_payment_customer_and_status(
    api: stripe.StripeClient, sandbox: Sandbox, checkout: Checkout
) -> None:
    customer = api.v1.customers.create()
    mine, other = checkout(customer=customer.id), checkout(customer_email="a@b.example")
    intent = sandbox.pay(mine.id)["intent"]["id"]
    find = api.v1.checkout.sessions.list

    assert [one.id for one in find({"payment_intent": intent}).data] == [mine.id]
    assert [one.id for one in find({"customer": customer.id}).data] == [mine.id]
    assert [one.id for one in find({"status": "open"}).data] == [other.id]
    found = find({"customer_details": {"email": "a@b.example"}}).data
    assert [one.id for one in found] == [other.id]


def test_line_items_have_a_list(api: stripe.StripeClient, checkout: Checkout) -> None:
    session = checkout()

    items = api.v1.checkout.sessions.line_items.list(session.id).data

    assert [(item.amount_total, item.quantity) for item in items] == [(2000, 1)]
    assert items[0].price is not None
    assert items[0].price.unit_amount == 2000


def test_a_session_expires_on_request(
    api: stripe.StripeClient, sandbox: Sandbox, checkout: Checkout, receiver: Receiver
) -> None:
    session = checkout()

    expired = api.v1.checkout.sessions.expire(session.id)
    sandbox.wait_until_delivered()

    assert (expired.status, expired.url) == ("expired", None)
    assert receiver.types == ["checkout.session.expired"]
    with pytest.raises(stripe.InvalidRequestError, match="can be expired"):
        api.v1.checkout.sessions.expire(session.id)


def test_a_session_expires_by_itself(
    api: stripe.StripeClient, sandbox: Sandbox, checkout: Checkout
) -> None:
    sandbox.set_clock(-86_400)
    session = checkout()
    early = sandbox.set_clock(-86_400 + 3600)["done"]

    late = sandbox.set_clock(60)["done"]

    assert (early, late) == (0, 1)
    assert api.v1.checkout.sessions.retrieve(session.id).status == "expired"


def test_expiry_cancels_a_payment_that_was_tried(
    api: stripe.StripeClient, sandbox: Sandbox, checkout: Checkout
) -> None:
    session = checkout()
    intent = sandbox.pay(session.id, "4000000000000002")["intent"]["id"]

    sandbox.expire(session.id)

    assert api.v1.payment_intents.retrieve(intent).status == "canceled"


def test_an_invoice_is_made_on_request(
    api: stripe.StripeClient, sandbox: Sandbox, checkout: Checkout, receiver: Receiver
) -> None:
    session = checkout(
        invoice_creation={
            "enabled": True,
            "invoice_data": {"description": "Top-up", "metadata": {"top_up": "1"}},
        },
        automatic_tax={"enabled": True},
    )
    sandbox.pay(session.id, email="a@b.example")
    sandbox.wait_until_delivered()
    paid = api.v1.checkout.sessions.retrieve(session.id)

    invoice = api.v1.invoices.retrieve(str(paid.invoice), {"expand": ["payments"]})

    assert (invoice.status, invoice.amount_paid, invoice.amount_remaining) == ("paid", 2200, 0)
    assert invoice.metadata is not None
    assert invoice.metadata.to_dict() == {"top_up": "1"}
    assert invoice.customer == paid.customer  # Checkout makes one for the invoice
    assert invoice.customer_email == "a@b.example"
    assert [line.description for line in invoice.lines.data] == ["2,000,000 apiCredits"]
    assert invoice.payments is not None
    assert invoice.payments.data[0].payment.payment_intent == paid.payment_intent
    assert "invoice.paid" in receiver.types
    assert [one.id for one in api.v1.invoices.list({"status": "paid"}).data] == [invoice.id]


def test_a_session_without_an_invoice_has_none(
    api: stripe.StripeClient, sandbox: Sandbox, checkout: Checkout
) -> None:
    session = checkout()
    sandbox.pay(session.id)

    assert api.v1.checkout.sessions.retrieve(session.id).invoice is None
    assert api.v1.invoices.list().data == []


def test_inclusive_tax_is_inside_the_price(
    api: stripe.StripeClient, sandbox: Sandbox, checkout: Checkout
) -> None:
    price = {
        "currency": "usd",
        "unit_amount": 1100,
        "tax_behavior": "inclusive",
        "product_data": {"name": "Credits"},
    }
    session = checkout(automatic_tax={"enabled": True}, line_items=[{"price_data": price}])

    paid = sandbox.pay(session.id)["session"]

    assert (paid["amount_subtotal"], paid["amount_total"]) == (1100, 1100)
    assert paid["total_details"]["amount_tax"] == 100


def test_a_card_can_be_saved_without_paying(
    api: stripe.StripeClient, sandbox: Sandbox, checkout: Checkout, receiver: Receiver
) -> None:
    customer = api.v1.customers.create({"email": "a@b.example"})
    session = checkout(mode="setup", currency="usd", customer=customer.id, line_items=None)

    done = sandbox.pay(session.id)
    sandbox.wait_until_delivered()

    assert done["session"]["payment_status"] == "no_payment_required"
    assert done["intent"]["object"] == "setup_intent"
    saved = api.v1.customers.payment_methods.list(customer.id).data
    assert [one.id for one in saved] == [done["intent"]["payment_method"]]
    assert "setup_intent.succeeded" in receiver.types
    assert api.v1.charges.list().data == []
