"""Payment intents and their charges: confirm, authenticate, settle, cancel."""

from typing import Any

from stripe_sandbox import instruments
from stripe_sandbox.backend import Backend
from stripe_sandbox.errors import InvalidRequest
from stripe_sandbox.flows import customers
from stripe_sandbox.instruments import Decline, Instrument
from stripe_sandbox.objects import balance_transaction, charge, payment_intent
from stripe_sandbox.objects.details import Json

CONFIRMABLE = frozenset({"requires_payment_method", "requires_confirmation"})


def create(backend: Backend, **fields: Any) -> Json:
    """`fields` are those of `objects.payment_intent.build`."""
    intent = backend.add(payment_intent.build(created=backend.now(), **fields))
    backend.emit("payment_intent.created", intent)
    return intent


def confirm(backend: Backend, intent: Json, method: Json, *, off_session: bool = False) -> Json:
    """Try to pay. A decline is returned in `last_payment_error`, not raised."""
    if intent["status"] not in CONFIRMABLE:
        raise unexpected_state(intent, "confirm")
    intent = backend.change(intent, payment_method=method["id"], next_action=None).object
    instrument = instruments.find(method["_instrument"])
    if instrument.kind != "card":
        return _start_debit(backend, intent, method)
    if needs_authentication(instrument, method):
        if off_session:
            return _decline(backend, intent, method, instruments.NEEDS_CUSTOMER)
        return _require_action(backend, intent)
    if instrument.decline:
        return _decline(backend, intent, method, instrument.decline)
    return _succeed(backend, intent, method)


def authenticate(backend: Backend, intent: Json, *, succeed: bool) -> Json:
    """Apply the outcome of the payer's 3-D Secure challenge."""
    if intent["status"] != "requires_action":
        raise unexpected_state(intent, "authenticate")
    intent = backend.change(intent, next_action=None).object
    method = backend.get("payment_method", intent["payment_method"])
    if succeed:
        return _succeed(backend, intent, method, authenticated=True)
    return _refuse(backend, intent, method, instruments.NOT_AUTHENTICATED, None)


def settle(backend: Backend, intent: Json, *, succeed: bool) -> Json:
    """Apply the bank's answer to a debit."""
    if intent["status"] != "processing":
        raise unexpected_state(intent, "settle")
    method = backend.get("payment_method", intent["payment_method"])
    made = backend.get("charge", intent["latest_charge"])
    if succeed:
        return _collect(backend, intent, method, made)
    decline = instruments.ACCOUNT_CLOSED
    failed, previous = backend.change(
        made,
        status="failed",
        captured=False,
        amount_captured=0,
        failure_code=decline.code,
        failure_message=decline.message,
        outcome=charge.outcome(decline),
    )
    backend.emit("charge.failed", failed, previous)
    return _refuse(backend, intent, method, decline, failed["id"])


def cancel(backend: Backend, intent: Json, reason: str | None) -> Json:
    if intent["status"] not in CONFIRMABLE | {"requires_action"}:
        raise unexpected_state(intent, "cancel")
    canceled, previous = backend.change(
        intent,
        status="canceled",
        canceled_at=backend.now(),
        cancellation_reason=reason,
        next_action=None,
    )
    backend.emit("payment_intent.canceled", canceled, previous)
    return canceled


def needs_authentication(instrument: Instrument, method: Json) -> bool:
    if instrument.authentication == "unless_set_up":
        return not method["_set_up"]
    return instrument.authentication == "always"


def unexpected_state(intent: Json, verb: str) -> InvalidRequest:
    kind = intent["object"]
    return InvalidRequest(
        f"You cannot {verb} this {kind} because it has a status of {intent['status']}.",
        code=f"{kind}_unexpected_state",
        more={kind: intent},
    )


def _require_action(backend: Backend, intent: Json) -> Json:
    action = payment_intent.redirect_action(backend.page_url(f"c/authenticate/{intent['id']}"))
    waiting, _ = backend.change(intent, status="requires_action", next_action=action)
    backend.emit("payment_intent.requires_action", waiting)
    return waiting


def _add_charge(backend: Backend, intent: Json, method: Json, status: str, **more: Any) -> Json:
    return backend.add(
        charge.build(
            created=backend.now(),
            intent=intent,
            method=method,
            status=status,
            receipts_url=backend.page_url("receipts"),
            **more,
        )
    )


def _succeed(backend: Backend, intent: Json, method: Json, *, authenticated: bool = False) -> Json:
    made = _add_charge(backend, intent, method, "succeeded", authenticated=authenticated)
    paid = _collect(backend, intent, method, made, set_up=authenticated)
    later = instruments.find(method["_instrument"]).later
    if later in ("dispute", "inquiry"):
        backend.schedule(f"open_{later}", made)
    return paid


def _collect(
    backend: Backend, intent: Json, method: Json, made: Json, *, set_up: bool = False
) -> Json:
    """Mark as paid. The balance transaction has a later event, as with asynchronous capture."""
    made = backend.change(made, status="succeeded", paid=True).object
    backend.emit("charge.succeeded", made)
    paid, _ = backend.change(
        intent,
        status="succeeded",
        amount_received=intent["amount"],
        latest_charge=made["id"],
        last_payment_error=None,
        processing=None,
    )
    backend.emit("payment_intent.succeeded", paid)
    movement = backend.add(
        balance_transaction.build(
            created=backend.now(),
            type="charge" if method["type"] == "card" else "payment",
            amount=made["amount"],
            fee=balance_transaction.processing_fee(made["amount"]),
            currency=made["currency"],
            source=made["id"],
            description=made["description"],
        )
    )
    updated, previous = backend.change(made, balance_transaction=movement["id"])
    backend.emit("charge.updated", updated, previous)
    if intent["setup_future_usage"] and intent["customer"]:
        save_for_later(backend, method, intent["customer"], set_up=set_up)
    return paid


def save_for_later(backend: Backend, method: Json, customer_id: str, *, set_up: bool) -> None:
    """`set_up`: the payer authenticated, so the card needs no challenge off session."""
    if set_up:
        method = backend.change(method, _set_up=True).object
    customers.attach(backend, method, customer_id)


def _start_debit(backend: Backend, intent: Json, method: Json) -> Json:
    made = _add_charge(backend, intent, method, "pending")
    backend.emit("charge.pending", made)
    running, _ = backend.change(intent, status="processing", latest_charge=made["id"])
    backend.emit("payment_intent.processing", running)
    backend.schedule("settle_payment", running)
    return running


def _decline(backend: Backend, intent: Json, method: Json, decline: Decline) -> Json:
    made = _add_charge(backend, intent, method, "failed", decline=decline)
    backend.emit("charge.failed", made)
    return _refuse(backend, intent, method, decline, made["id"])


def _refuse(
    backend: Backend, intent: Json, method: Json, decline: Decline, charge_id: str | None
) -> Json:
    refused, _ = backend.change(
        intent,
        status="requires_payment_method",
        payment_method=None,
        processing=None,
        latest_charge=charge_id or intent["latest_charge"],
        last_payment_error=payment_intent.failure(decline, method, charge_id),
    )
    backend.emit("payment_intent.payment_failed", refused)
    return refused
