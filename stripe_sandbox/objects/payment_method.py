"""Payment methods: a test card or a test bank account."""

from stripe_sandbox import ids
from stripe_sandbox.instruments import Instrument
from stripe_sandbox.objects.details import Json, bank_account, billing_details, card


def build(
    *,
    created: int,
    instrument: Instrument,
    customer: str | None = None,
    email: str | None = None,
    name: str | None = None,
    metadata: dict[str, str] | None = None,
) -> Json:
    return {
        "id": ids.new("pm"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": billing_details(email, name),
        **_kind(instrument),
        "created": created,
        "customer": customer,
        "customer_account": None,
        "livemode": False,
        "metadata": metadata or {},
        "type": instrument.kind,
        "_instrument": instrument.number,
        "_set_up": False,  # authenticated once for use without the customer
    }


def _kind(instrument: Instrument) -> Json:
    if instrument.kind == "card":
        return {"card": _card(instrument)}
    return {
        "us_bank_account": {
            **bank_account(instrument),
            "financial_connections_account": None,
            "networks": {"preferred": "ach", "supported": ["ach"]},
            "status_details": {},
        }
    }


def _card(instrument: Instrument) -> Json:
    return {
        **card(instrument),
        "display_brand": instrument.brand,
        "generated_from": None,
        "networks": {"available": [instrument.brand], "preferred": None},
        "three_d_secure_usage": {"supported": True},
    }
