"""Setup intents: save a payment method for off-session charges."""

from typing import Any

from stripe_sandbox import instruments
from stripe_sandbox.backend import Backend
from stripe_sandbox.flows import payments
from stripe_sandbox.instruments import Decline
from stripe_sandbox.objects import payment_intent, setup_intent
from stripe_sandbox.objects.details import Json


def create(backend: Backend, **fields: Any) -> Json:
    """`fields` are those of `objects.setup_intent.build`."""
    intent = backend.add(setup_intent.build(created=backend.now(), **fields))
    backend.emit("setup_intent.created", intent)
    return intent


def confirm(backend: Backend, intent: Json, method: Json) -> Json:
    """A refusal is returned in `last_setup_error`, not raised."""
    if intent["status"] not in payments.CONFIRMABLE:
        raise payments.unexpected_state(intent, "confirm")
    intent = backend.change(intent, payment_method=method["id"], next_action=None).object
    instrument = instruments.find(method["_instrument"])
    if payments.needs_authentication(instrument, method):
        return _require_action(backend, intent)
    if instrument.decline and instrument.kind == "card":
        return _refuse(backend, intent, method, instrument.decline)
    return _succeed(backend, intent, method)


def authenticate(backend: Backend, intent: Json, *, succeed: bool) -> Json:
    if intent["status"] != "requires_action":
        raise payments.unexpected_state(intent, "authenticate")
    intent = backend.change(intent, next_action=None).object
    method = backend.get("payment_method", intent["payment_method"])
    if succeed:
        return _succeed(backend, intent, method)
    failure = instruments.NOT_AUTHENTICATED._replace(code="setup_intent_authentication_failure")
    return _refuse(backend, intent, method, failure)


def _require_action(backend: Backend, intent: Json) -> Json:
    action = payment_intent.redirect_action(backend.page_url(f"c/authenticate/{intent['id']}"))
    waiting, _ = backend.change(intent, status="requires_action", next_action=action)
    backend.emit("setup_intent.requires_action", waiting)
    return waiting


def _succeed(backend: Backend, intent: Json, method: Json) -> Json:
    if intent["customer"]:
        payments.save_for_later(backend, method, intent["customer"], set_up=True)
    done, _ = backend.change(intent, status="succeeded", last_setup_error=None)
    backend.emit("setup_intent.succeeded", done)
    return done


def _refuse(backend: Backend, intent: Json, method: Json, decline: Decline) -> Json:
    refused, _ = backend.change(
        intent,
        status="requires_payment_method",
        payment_method=None,
        last_setup_error=payment_intent.failure(decline, method, None),
    )
    backend.emit("setup_intent.setup_failed", refused)
    return refused
