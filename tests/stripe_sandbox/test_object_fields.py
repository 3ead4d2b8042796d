"""Every object has the fields of the library's class, at every depth."""

from collections.abc import Iterator
from typing import Any

import pytest
import stripe
from stripe import StripeObject

from stripe_sandbox.client import Sandbox
from tests.stripe_sandbox.library import Checkout

# Fields that the library declares but the real API omits: those that do not apply, are not
# expanded, or belong to a feature that Checkout does not use.
ABSENT = {
    "account": {
        *("business_profile", "company", "controller", "deleted", "external_accounts", "groups"),
        *("future_requirements", "individual", "requirements", "tos_acceptance"),
    },
    "charge": {"authorization_code", "level3", "presentment_details", "refunds", "transfer"},
    "checkout.session": {
        *("allowed_payment_method_types", "branding_settings", "excluded_payment_method_types"),
        *("line_items", "name_collection", "optional_items", "presentment_details"),
        *("redirect_on_completion", "return_url", "tax_id_collection"),
    },
    "customer": {
        *("business_name", "cash_balance", "deleted", "individual_name", "invoice_credit_balance"),
        *("sources", "subscriptions", "tax", "tax_ids"),
    },
    "dispute": {"intended_submission_method", "network_reason_code"},
    "event": {"account", "context"},
    "invoice": {
        *("amount_paid_off_stripe", "confirmation_secret", "deleted", "payments"),
        *("status_details", "threshold_reason"),
    },
    "payment_intent": {
        *("allowed_payment_method_types", "hooks", "managed_payments", "payment_details"),
        *("payment_record", "presentment_details"),
    },
    "refund": {
        *("description", "failure_balance_transaction", "failure_reason", "instructions_email"),
        *("next_action", "pending_reason", "presentment_details"),
    },
    "setup_intent": {
        *("allowed_payment_method_types", "attach_to_self", "customer_account"),
        *("managed_payments",),
    },
}


@pytest.fixture
def objects(
    api: stripe.StripeClient, sandbox: Sandbox, checkout: Checkout
) -> dict[str, StripeObject]:
    """One of each kind, after a payment with as many steps as possible."""
    customer = api.v1.customers.create({"email": "a@b.example"})
    session = checkout(
        customer=customer.id,
        automatic_tax={"enabled": True},
        invoice_creation={"enabled": True},
        payment_intent_data={"setup_future_usage": "off_session"},
    )
    sandbox.pay(session.id, "4000002500003155")
    sandbox.authenticate(session.id)
    refund = sandbox.refund(session.id, 500)
    dispute = sandbox.open_dispute(session.id)
    paid = api.v1.checkout.sessions.retrieve(
        session.id,
        {
            "expand": [
                "invoice.payments",
                "line_items",
                "payment_intent.latest_charge.balance_transaction",
                "payment_intent.payment_method",
            ]
        },
    )
    bank = sandbox.pay(checkout().id, "bank_fails")["intent"]
    sandbox.run_agenda()
    failed = api.v1.payment_intents.retrieve(bank["id"], {"expand": ["latest_charge"]})
    setup = api.v1.setup_intents.create({"confirm": True, "payment_method": "pm_card_visa"})
    intent: Any = paid.payment_intent
    return {
        "account": api.v1.accounts.retrieve_current(),
        "balance_transaction": intent.latest_charge.balance_transaction,
        "bank charge": failed.latest_charge,
        "charge": intent.latest_charge,
        "checkout.session": paid,
        "customer": customer,
        "dispute": api.v1.disputes.retrieve(dispute["id"]),
        "event": api.v1.events.list({"limit": 1}).data[0],
        "failed payment_intent": failed,
        "invoice": paid.invoice,
        "payment_intent": intent,
        "payment_method": intent.payment_method,
        "refund": api.v1.refunds.retrieve(refund["id"]),
        "setup_intent": setup,
    }


def undeclared(obj: StripeObject, path: str) -> Iterator[str]:
    """Fields that the library's class does not declare; classes without fields are skipped."""
    declared = set(type(obj).__annotations__)
    if isinstance(obj, stripe.ListObject):
        declared.add("object")
    for key in obj.to_dict():
        value = getattr(obj, key)
        if declared and key not in declared:
            yield f"{path}.{key}"
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, StripeObject):
                yield from undeclared(inner, f"{path}.{key}")


def test_no_field_is_invented(objects: dict[str, StripeObject]) -> None:
    invented = [field for name, obj in objects.items() for field in undeclared(obj, name)]

    assert invented == []


def test_no_field_is_missing(objects: dict[str, StripeObject]) -> None:
    missing = {}
    for name, obj in objects.items():
        kind = name.split(" ")[-1]
        if kind == "payment_method":  # declares one field for each of fifty kinds
            continue
        declared = set(type(obj).__annotations__) - {"OBJECT_NAME"}
        missing[name] = declared - set(obj.to_dict()) - ABSENT.get(kind, set())

    assert {name: fields for name, fields in missing.items() if fields} == {}


def test_the_library_parses_them_into_its_classes(objects: dict[str, StripeObject]) -> None:
    for name, obj in objects.items():
        kind = name.split(" ")[-1]
        assert getattr(type(obj), "OBJECT_NAME", None) == kind
        assert obj.to_dict()["object"] == kind
