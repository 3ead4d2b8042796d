"""Refunds."""

from stripe_sandbox import ids
from stripe_sandbox.objects.details import Json


def build(
    *,
    created: int,
    charge: Json,
    amount: int,
    status: str,
    reason: str | None = None,
    metadata: dict[str, str] | None = None,
) -> Json:
    kind = charge["payment_method_details"]["type"]
    return {
        "id": ids.new("re" if kind == "card" else "pyr"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": created,
        "currency": charge["currency"],
        "customer": charge["customer"],
        "customer_account": None,
        "destination_details": _destination(kind, status),
        "metadata": metadata or {},
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": status,
        "transfer_reversal": None,
    }


def _destination(kind: str, status: str) -> Json:
    if kind != "card":
        return {"type": kind, kind: {"reference": None, "reference_status": "pending"}}
    reference = {
        "reference_status": "pending" if status == "pending" else "available",
        "reference_type": "acquirer_reference_number",
        "type": "refund",
    }
    return {"type": "card", "card": reference}
