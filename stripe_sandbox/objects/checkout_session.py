"""Checkout Sessions."""

from typing import Any

from stripe_sandbox import ids
from stripe_sandbox.objects.details import Json


def build(
    *,
    created: int,
    expires_at: int,
    pages_url: str,
    mode: str,
    currency: str | None,
    line_items: list[Json],
    automatic_tax: bool,
    invoice_creation: Json | None,
    payment_method_types: list[str],
    intent_data: Json,
    **echoed: Any,
) -> Json:
    """An open, unpaid session. `echoed`: the parameters that it repeats as they were sent."""
    object_id = ids.new("cs_test")
    amount = sum(item["amount_subtotal"] for item in line_items) if line_items else None
    return {
        "id": object_id,
        "object": "checkout.session",
        **_CONSTANT,
        **echoed,
        "amount_subtotal": amount,
        "amount_total": amount,
        "automatic_tax": {
            "enabled": automatic_tax,
            "liability": {"type": "self"} if automatic_tax else None,
            "provider": "stripe" if automatic_tax else None,
            "status": "requires_location_inputs" if automatic_tax else None,
        },
        "created": created,
        "currency": currency,
        "customer_details": _customer_details(echoed.get("customer_email")),
        "expires_at": expires_at,
        "invoice": None,
        "invoice_creation": invoice_creation,
        "livemode": False,
        "mode": mode,
        "payment_intent": None,
        "payment_method_types": payment_method_types,
        "payment_status": "unpaid" if mode == "payment" else "no_payment_required",
        "setup_intent": None,
        "status": "open",
        "total_details": _totals(0) if mode == "payment" else None,
        "url": f"{pages_url}/{object_id}",
        "_line_items": line_items,
        "_intent_data": intent_data,
    }


# Fields of the real object that are constant in the sandbox.
_CONSTANT: Json = {
    "adaptive_pricing": {"enabled": False},
    "after_expiration": None,
    "allow_promotion_codes": None,
    "billing_address_collection": None,
    "client_secret": None,
    "collected_information": None,
    "consent": None,
    "consent_collection": None,
    "currency_conversion": None,
    "custom_fields": [],
    "custom_text": {
        "after_submit": None,
        "shipping_address": None,
        "submit": None,
        "terms_of_service_acceptance": None,
    },
    "customer_account": None,
    "discounts": [],
    "integration_identifier": None,
    "locale": None,
    "managed_payments": {"enabled": False},
    "origin_context": None,
    "payment_link": None,
    "payment_method_collection": "if_required",
    "payment_method_configuration_details": None,
    "payment_method_options": {},
    "permissions": None,
    "phone_number_collection": {"enabled": False},
    "recovered_from": None,
    "saved_payment_method_options": None,
    "shipping_address_collection": None,
    "shipping_cost": None,
    "shipping_options": [],
    "submit_type": None,
    "subscription": None,
    "ui_mode": "hosted_page",
    "wallet_options": None,
}


def _customer_details(email: str | None) -> Json | None:
    """Known before payment only if the caller gave an e-mail address."""
    return customer_details(email, None, None) if email else None


def customer_details(email: str | None, name: str | None, address: Json | None) -> Json:
    return {
        "address": address,
        "business_name": None,
        "email": email,
        "individual_name": None,
        "name": name,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [],
    }


def _totals(tax: int) -> Json:
    return {"amount_discount": 0, "amount_shipping": 0, "amount_tax": tax}


def taxed(session: Json, line_items: list[Json]) -> Json:
    """The changes to a session once the payer's address is known."""
    return {
        "amount_total": sum(item["amount_total"] for item in line_items),
        "automatic_tax": {**session["automatic_tax"], "status": "complete"},
        "total_details": _totals(sum(item["amount_tax"] for item in line_items)),
        "_line_items": line_items,
    }
