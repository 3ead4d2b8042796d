"""Charges: one attempt to move the money of a payment intent."""

from stripe_sandbox import ids
from stripe_sandbox.instruments import Decline, Instrument, find
from stripe_sandbox.objects.details import Json, bank_account, card


def build(
    *,
    created: int,
    intent: Json,
    method: Json,
    status: str,
    receipts_url: str,
    decline: Decline | None = None,
    authenticated: bool = False,
) -> Json:
    """A charge that succeeded, is pending, or (with `decline`) failed."""
    object_id = ids.new("ch" if method["type"] == "card" else "py")
    captured = status != "failed"
    return {
        "id": object_id,
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"] if captured else 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": "STRIPE SANDBOX",
        "captured": captured,
        "created": created,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": decline.code if decline else None,
        "failure_message": decline.message if decline else None,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "on_behalf_of": None,
        "outcome": outcome(decline),
        "paid": status == "succeeded",
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": _method_details(intent, method, authenticated),
        "radar_options": {},
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": f"{receipts_url}/{object_id}" if captured else None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": status,
        "transfer_data": None,
        "transfer_group": None,
    }


def outcome(decline: Decline | None) -> Json:
    return {
        "advice_code": "try_again_later" if decline else None,
        "network_advice_code": None,
        "network_decline_code": "05" if decline else None,
        "network_status": "declined_by_network" if decline else "approved_by_network",
        "reason": (decline.decline_code or decline.code) if decline else None,
        "risk_level": "normal",
        "risk_score": 12,
        "seller_message": (
            "The bank did not return any further details with this decline."
            if decline
            else "Payment complete."
        ),
        "type": "issuer_declined" if decline else "authorized",
    }


def _method_details(intent: Json, method: Json, authenticated: bool) -> Json:
    instrument = find(method["_instrument"])
    if method["type"] != "card":
        details = {
            **bank_account(instrument),
            "expected_debit_date": None,
            "mandate": None,
            "payment_reference": None,
        }
        return {"type": method["type"], method["type"]: details}
    return {"type": "card", "card": _card_details(intent, instrument, authenticated)}


def _card_details(intent: Json, instrument: Instrument, authenticated: bool) -> Json:
    return {
        **card(instrument),
        "amount_authorized": intent["amount"],
        "authorization_code": None,
        "extended_authorization": {"status": "disabled"},
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": instrument.brand,
        "network_token": {"used": False},
        "network_transaction_id": None,
        "overcapture": {
            "maximum_amount_capturable": intent["amount"],
            "status": "unavailable",
        },
        "three_d_secure": _three_d_secure() if authenticated else None,
        "transaction_link_id": None,
    }


def _three_d_secure() -> Json:
    return {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "result": "authenticated",
        "result_reason": None,
        "transaction_id": ids.new("3ds"),
        "version": "2.2.0",
    }
