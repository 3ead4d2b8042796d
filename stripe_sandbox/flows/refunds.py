"""Refunds: immediate, slow, or failing after they succeeded."""

from typing import Literal

from stripe_sandbox import instruments
from stripe_sandbox.backend import Backend
from stripe_sandbox.errors import InvalidRequest
from stripe_sandbox.objects import balance_transaction, dispute, refund
from stripe_sandbox.objects.details import Json
from stripe_sandbox.store import Condition

Outcome = Literal["succeeds", "pending", "succeeds_later", "fails_later"]
Final = Literal["succeeded", "failed", "canceled"]

_BY_CARD: dict[str, Outcome] = {
    "refund_succeeds": "succeeds_later",
    "refund_fails": "fails_later",
}
_ALLOWED = {"pending": {"succeeded", "failed", "canceled"}, "succeeded": {"failed"}}


def create(
    backend: Backend,
    charge: Json,
    *,
    amount: int | None = None,
    reason: str | None = None,
    metadata: dict[str, str] | None = None,
    outcome: Outcome | None = None,
) -> Json:
    """Default amount: the rest of the charge. Default outcome: the test card's behaviour."""
    amount = _checked_amount(backend, charge, amount)
    method = backend.get("payment_method", charge["payment_method"])
    outcome = outcome or _BY_CARD.get(instruments.find(method["_instrument"]).later, "succeeds")
    status = "pending" if outcome in ("pending", "succeeds_later") else "succeeded"
    made = backend.add(
        refund.build(
            created=backend.now(),
            charge=charge,
            amount=amount,
            status=status,
            reason=reason,
            metadata=metadata,
        )
    )
    movement = _move(backend, charge, made, -amount, failed=False)
    made = backend.change(made, balance_transaction=movement).object
    backend.emit("refund.created", made)
    _show_on_charge(backend, charge, amount, "charge.refunded")
    if outcome.endswith("_later"):
        action = "succeed_refund" if outcome == "succeeds_later" else "fail_refund"
        backend.schedule(action, made)
    return made


def finish(backend: Backend, made: Json, status: Final) -> Json:
    """End a pending refund, or fail a succeeded one, which returns the money to the account."""
    if status not in _ALLOWED.get(made["status"], set()):
        raise InvalidRequest(f"A refund cannot go from {made['status']} to {status}.")
    changes: Json = {"status": status}
    charge = backend.get("charge", made["charge"])
    if status != "succeeded":
        changes["failure_balance_transaction"] = _move(
            backend, charge, made, made["amount"], failed=True
        )
    if status == "failed":
        changes["failure_reason"] = "expired_or_canceled_card"
    done, previous = backend.change(made, **changes)
    backend.emit("refund.updated", done, previous)
    backend.emit("charge.refund.updated", done, previous)
    if status != "succeeded":
        _show_on_charge(backend, charge, -made["amount"], "charge.updated")
    if status == "failed":
        backend.emit("refund.failed", done, previous)
    return done


def _checked_amount(backend: Backend, charge: Json, amount: int | None) -> int:
    left = charge["amount_captured"] - charge["amount_refunded"]
    if not charge["paid"]:
        raise InvalidRequest(
            f"Charge {charge['id']} has not been paid; there is nothing to refund.",
            code="charge_not_refundable",
        )
    if _is_charged_back(backend, charge):
        raise InvalidRequest(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.",
            code="charge_disputed",
        )
    if left == 0:
        raise InvalidRequest(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        )
    if amount is not None and amount < 1:
        raise InvalidRequest(
            "Invalid positive integer", param="amount", code="parameter_invalid_integer"
        )
    if amount is not None and amount > left:
        raise InvalidRequest(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})",
            param="amount",
        )
    return left if amount is None else amount


def _is_charged_back(backend: Backend, charge: Json) -> bool:
    disputes = backend.store.find("dispute", [Condition.equals("charge", charge["id"])])
    return any(one["status"] in dispute.WITHDRAWN for one in disputes)


def _move(backend: Backend, charge: Json, made: Json, amount: int, *, failed: bool) -> str:
    is_card = charge["payment_method_details"]["type"] == "card"
    given_back: balance_transaction.Type = "refund" if is_card else "payment_refund"
    movement = backend.add(
        balance_transaction.build(
            created=backend.now(),
            type="refund_failure" if failed else given_back,
            amount=amount,
            currency=made["currency"],
            source=made["id"],
            description=f"REFUND {'FAILURE ' if failed else ''}FOR CHARGE {charge['id']}",
        )
    )
    return str(movement["id"])


def _show_on_charge(backend: Backend, charge: Json, amount: int, event_type: str) -> None:
    refunded = charge["amount_refunded"] + amount
    changed, previous = backend.change(
        charge, amount_refunded=refunded, refunded=refunded == charge["amount"]
    )
    backend.emit(event_type, changed, previous)
