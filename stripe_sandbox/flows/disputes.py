"""Disputes and inquiries: opened, answered, escalated, won, lost."""

from typing import Literal

from stripe_sandbox import instruments
from stripe_sandbox.backend import Backend
from stripe_sandbox.errors import InvalidRequest
from stripe_sandbox.objects import balance_transaction, dispute
from stripe_sandbox.objects.details import Json
from stripe_sandbox.store import Condition

Ending = Literal["won", "lost", "warning_closed"]


def open_dispute(
    backend: Backend,
    charge: Json,
    *,
    amount: int | None = None,
    reason: str | None = None,
    inquiry: bool = False,
) -> Json:
    """Default amount: the part that is not refunded. An inquiry moves no money."""
    amount = _checked_amount(backend, charge, amount)
    method = backend.get("payment_method", charge["payment_method"])
    made = backend.add(
        dispute.build(
            created=backend.now(),
            charge=charge,
            amount=amount,
            reason=reason or instruments.find(method["_instrument"]).dispute_reason,
            inquiry=inquiry,
        )
    )
    backend.emit("charge.dispute.created", made)
    disputed, previous = backend.change(charge, disputed=True)
    if previous:
        backend.emit("charge.updated", disputed, previous)
    return made if inquiry else _withdraw(backend, made)


def respond(backend: Backend, made: Json, evidence: dict[str, str], *, submit: bool) -> Json:
    """Add evidence. The texts `winning_evidence` and `losing_evidence` decide at once."""
    if made["status"] not in dispute.OPEN:
        raise InvalidRequest("This dispute is already closed", code="dispute_already_closed")
    details = made["evidence_details"]
    changes: Json = {
        "evidence": {**made["evidence"], **evidence},
        "evidence_details": {
            **details,
            "has_evidence": True,
            "submission_count": details["submission_count"] + int(submit),
        },
    }
    if submit:
        prefix = "warning_" if made["status"].startswith("warning_") else ""
        changes["status"] = f"{prefix}under_review"
    answered, previous = backend.change(made, **changes)
    backend.emit("charge.dispute.updated", answered, previous)
    verdicts: dict[str, Ending] = {"winning_evidence": "won", "losing_evidence": "lost"}
    verdict = verdicts.get(evidence.get("uncategorized_text", ""))
    return close(backend, answered, verdict) if submit and verdict else answered


def escalate(backend: Backend, made: Json) -> Json:
    """Turn an inquiry into a chargeback, which withdraws the money."""
    if not made["status"].startswith("warning_needs"):
        raise InvalidRequest("Only an inquiry that needs a response can be escalated.")
    escalated, previous = backend.change(made, status="needs_response", is_charge_refundable=False)
    backend.emit("charge.dispute.updated", escalated, previous)
    return _withdraw(backend, escalated)


def close(backend: Backend, made: Json, ending: Ending) -> Json:
    """`won` returns the money, `lost` does not; an inquiry ends as `warning_closed`."""
    if made["status"] not in dispute.OPEN:
        raise InvalidRequest("This dispute is already closed", code="dispute_already_closed")
    is_inquiry = made["status"].startswith("warning_")
    if is_inquiry != (ending == "warning_closed"):
        raise InvalidRequest(f"A dispute cannot go from {made['status']} to {ending}.")
    closed, previous = backend.change(
        made, status=ending, is_charge_refundable=ending == "warning_closed"
    )
    if ending == "won":
        closed = _reinstate(backend, closed)
    backend.emit("charge.dispute.closed", closed, previous)
    return closed


def _checked_amount(backend: Backend, charge: Json, amount: int | None) -> int:
    if not charge["paid"]:
        raise InvalidRequest(f"Charge {charge['id']} has not been paid.")
    disputes = backend.store.find("dispute", [Condition.equals("charge", charge["id"])])
    if any(one["status"] in dispute.OPEN for one in disputes):
        raise InvalidRequest(f"Charge {charge['id']} has an open dispute.")
    left = int(charge["amount"] - charge["amount_refunded"])
    amount = left if amount is None else amount
    if not 0 < amount <= charge["amount"]:
        raise InvalidRequest("There is nothing of that amount to dispute.", param="amount")
    return amount


def _withdraw(backend: Backend, made: Json) -> Json:
    return _move(backend, made, -made["amount"], dispute.FEE, "funds_withdrawn")


def _reinstate(backend: Backend, made: Json) -> Json:
    return _move(backend, made, made["amount"], -dispute.FEE, "funds_reinstated")


def _move(backend: Backend, made: Json, amount: int, fee: int, what: str) -> Json:
    movement = backend.add(
        balance_transaction.build(
            created=backend.now(),
            type="adjustment",
            amount=amount,
            fee=fee,
            currency=made["currency"],
            source=made["id"],
            description=f"Chargeback {what.replace('funds_', '')} for {made['charge']}",
            reporting_category="dispute" if amount < 0 else "dispute_reversal",
        )
    )
    moved, previous = backend.change(
        made, balance_transactions=[*made["balance_transactions"], movement]
    )
    backend.emit(f"charge.dispute.{what}", moved, previous)
    return moved
