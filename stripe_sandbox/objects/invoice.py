"""Invoices, as Checkout makes them after a payment: final and paid."""

from stripe_sandbox import ids
from stripe_sandbox.objects import account
from stripe_sandbox.objects.details import Json, list_of


def build(*, created: int, session: Json, intent: Json, customer: Json, pages_url: str) -> Json:
    object_id = ids.new("in")
    invoice_data = session["invoice_creation"]["invoice_data"]
    tax = session["total_details"]["amount_tax"]
    total, subtotal = session["amount_total"], session["amount_subtotal"]
    net = total - tax
    return {
        "id": object_id,
        "object": "invoice",
        **_CONSTANT,
        "account_country": "US",
        "account_name": account.NAME,
        "amount_due": total,
        "amount_paid": total,
        "amount_remaining": 0,
        "automatic_tax": {**session["automatic_tax"], "disabled_reason": None},
        "created": created,
        "currency": session["currency"],
        "customer": customer["id"],
        "customer_address": session["customer_details"]["address"],
        "customer_email": session["customer_details"]["email"],
        "customer_name": session["customer_details"]["name"],
        "description": invoice_data["description"],
        "effective_at": created,
        "footer": invoice_data["footer"],
        "hosted_invoice_url": f"{pages_url}/{object_id}",
        "lines": list_of(f"/v1/invoices/{object_id}/lines", _lines(object_id, created, session)),
        "metadata": invoice_data["metadata"] or {},
        "number": f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04d}",
        "period_end": created,
        "period_start": created,
        "status_transitions": {
            "finalized_at": created,
            "marked_uncollectible_at": None,
            "paid_at": created,
            "voided_at": None,
        },
        "subtotal": subtotal,
        "subtotal_excluding_tax": net,
        "total": total,
        "total_excluding_tax": net,
        "total_taxes": _taxes(tax, net),
        "_payments": [_payment(object_id, created, intent)],
    }


# Fields that are constant in Checkout's invoices.
_CONSTANT: Json = {
    "account_tax_ids": None,
    "amount_overpaid": 0,
    "amount_shipping": 0,
    "application": None,
    "attempt_count": 0,
    "attempted": True,
    "auto_advance": False,
    "automatically_finalizes_at": None,
    "billing_reason": "manual",
    "collection_method": "charge_automatically",
    "custom_fields": None,
    "customer_account": None,
    "customer_phone": None,
    "customer_shipping": None,
    "customer_tax_exempt": "none",
    "customer_tax_ids": [],
    "default_payment_method": None,
    "default_source": None,
    "default_tax_rates": [],
    "discounts": [],
    "due_date": None,
    "ending_balance": 0,
    "from_invoice": None,
    "invoice_pdf": None,
    "issuer": {"type": "self"},
    "last_finalization_error": None,
    "latest_revision": None,
    "livemode": False,
    "next_payment_attempt": None,
    "on_behalf_of": None,
    "parent": None,
    "payment_settings": {
        "default_mandate": None,
        "payment_method_options": None,
        "payment_method_types": None,
    },
    "post_payment_credit_notes_amount": 0,
    "pre_payment_credit_notes_amount": 0,
    "receipt_number": None,
    "rendering": None,
    "shipping_cost": None,
    "shipping_details": None,
    "starting_balance": 0,
    "statement_descriptor": None,
    "status": "paid",
    "test_clock": None,
    "total_discount_amounts": [],
    "total_pretax_credit_amounts": [],
    "webhooks_delivered_at": None,
}


def _lines(invoice_id: str, created: int, session: Json) -> list[Json]:
    return [_line(invoice_id, created, item) for item in session["_line_items"]]


def _line(invoice_id: str, created: int, item: Json) -> Json:
    return {
        "id": ids.new("il"),
        "object": "line_item",
        "amount": item["amount_subtotal"],
        "currency": item["currency"],
        "description": item["description"],
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": invoice_id,
        "livemode": False,
        "metadata": {},
        "parent": None,
        "period": {"end": created, "start": created},
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": {
                "price": item["price"]["id"],
                "product": item["price"]["product"],
            },
            "type": "price_details",
            "unit_amount_decimal": item["price"]["unit_amount_decimal"],
        },
        "quantity": item["quantity"],
        "quantity_decimal": str(item["quantity"]),
        "subscription": None,
        "subtotal": item["amount_subtotal"],
        "taxes": _taxes(item["amount_tax"], item["amount_total"] - item["amount_tax"]),
    }


def _taxes(amount: int, taxable: int) -> list[Json]:
    if not amount:
        return []
    return [
        {
            "amount": amount,
            "tax_behavior": "exclusive",
            "tax_rate_details": None,
            "taxability_reason": "standard_rated",
            "taxable_amount": taxable,
            "type": "tax_rate_details",
        }
    ]


def _payment(invoice_id: str, created: int, intent: Json) -> Json:
    return {
        "id": ids.new("inpay"),
        "object": "invoice_payment",
        "amount_paid": intent["amount"],
        "amount_requested": intent["amount"],
        "created": created,
        "currency": intent["currency"],
        "invoice": invoice_id,
        "is_default": True,
        "livemode": False,
        "payment": {"payment_intent": intent["id"], "type": "payment_intent"},
        "status": "paid",
        "status_transitions": {"canceled_at": None, "paid_at": created},
    }
