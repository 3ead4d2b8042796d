"""Balance transactions: each movement of money on the account's balance."""

from typing import Literal

from stripe_sandbox import ids
from stripe_sandbox.objects.details import Json

Type = Literal["charge", "payment", "refund", "payment_refund", "refund_failure", "adjustment"]

_REPORTED_AS = {
    "payment": "charge",
    "payment_refund": "refund",
    "adjustment": "dispute",
}


def build(
    *,
    created: int,
    type: Type,
    amount: int,
    fee: int = 0,
    currency: str,
    source: str,
    description: str | None = None,
    reporting_category: str | None = None,
) -> Json:
    details = [
        {
            "amount": fee,
            "application": None,
            "currency": currency,
            "description": "Stripe processing fees",
            "type": "stripe_fee",
        }
    ]
    return {
        "id": ids.new("txn"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": created + 2 * 86_400,
        "balance_type": "payments",
        "created": created,
        "currency": currency,
        "description": description,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": details if fee else [],
        "net": amount - fee,
        "reporting_category": reporting_category or _REPORTED_AS.get(type, type),
        "source": source,
        "status": "pending",
        "type": type,
    }


def processing_fee(amount: int) -> int:
    """2.9 % and 30 cents."""
    return (amount * 29 + 500) // 1000 + 30
