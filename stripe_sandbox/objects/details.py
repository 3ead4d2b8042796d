"""Parts that several objects share: addresses, billing details, cards and bank accounts."""

from typing import Any

from stripe_sandbox.instruments import Instrument

Json = dict[str, Any]

NO_ADDRESS: Json = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
US_ADDRESS: Json = {**NO_ADDRESS, "country": "US", "postal_code": "94103"}


def public(value: Any) -> Any:
    """A deep copy without the sandbox's own keys. Metadata keeps all its keys."""
    if isinstance(value, dict):
        is_object = "object" in value
        return {
            key: public(inner)
            for key, inner in value.items()
            if not (is_object and key.startswith("_"))
        }
    if isinstance(value, list):
        return [public(inner) for inner in value]
    return value


def billing_details(email: str | None = None, name: str | None = None) -> Json:
    return {
        "address": dict(US_ADDRESS),
        "email": email,
        "name": name,
        "phone": None,
        "tax_id": None,
    }


def list_of(url: str, data: list[Json], *, has_more: bool = False) -> Json:
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def card(instrument: Instrument) -> Json:
    """The fields that payment methods and charges share."""
    return {
        "brand": instrument.brand,
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": "pass",
            "cvc_check": "pass",
        },
        "country": "US",
        "exp_month": 12,
        "exp_year": 2034,
        "fingerprint": f"sandbox{instrument.number[-9:]}",
        "funding": "credit",
        "last4": instrument.last4,
        "regulated_status": "unregulated",
        "wallet": None,
    }


def bank_account(instrument: Instrument) -> Json:
    return {
        "account_holder_type": "individual",
        "account_type": "checking",
        "bank_name": "STRIPE TEST BANK",
        "fingerprint": f"sandbox_{instrument.number}",
        "last4": instrument.last4,
        "routing_number": "110000000",
    }
