"""Checkout Sessions: open, pay, authenticate, settle, expire."""

from typing import Any

from stripe_sandbox.backend import Backend
from stripe_sandbox.errors import InvalidRequest
from stripe_sandbox.flows import customers, invoices, payments, setups
from stripe_sandbox.instruments import Instrument
from stripe_sandbox.objects import checkout_session, line_item
from stripe_sandbox.objects.details import US_ADDRESS, Json
from stripe_sandbox.store import Condition


def create(backend: Backend, **fields: Any) -> Json:
    """`fields` are those of `objects.checkout_session.build`."""
    session = backend.add(
        checkout_session.build(created=backend.now(), pages_url=backend.page_url("c/pay"), **fields)
    )
    backend.schedule("expire_session", session, at=session["expires_at"])
    return session


def pay(
    backend: Backend,
    session: Json,
    instrument: Instrument,
    *,
    email: str | None = None,
    name: str | None = None,
) -> Json:
    """Attempt once. If the session stays open, its intent (`intent_of`) shows the outcome."""
    _require_open(session)
    if instrument.kind not in session["payment_method_types"]:
        raise InvalidRequest(f"This session does not accept {instrument.kind}.")
    session = _with_payer(backend, session, email, name)
    details = session["customer_details"]
    method = customers.add_method(backend, instrument, email=details["email"], name=details["name"])
    intent = intent_of(backend, session) or _add_intent(backend, session)
    if intent["status"] == "requires_action":  # an earlier challenge was left unanswered
        intent = backend.change(intent, status="requires_payment_method").object
    confirm = payments.confirm if session["mode"] == "payment" else setups.confirm
    confirm(backend, intent, method)
    return advance(backend, session)


def authenticate(backend: Backend, session: Json, *, succeed: bool) -> Json:
    _require_open(session)
    intent = intent_of(backend, session)
    if intent is None:
        raise InvalidRequest("This session has no payment that waits for authentication.")
    answer = payments.authenticate if session["mode"] == "payment" else setups.authenticate
    answer(backend, intent, succeed=succeed)
    return advance(backend, session)


def intent_of(backend: Backend, session: Json) -> Json | None:
    """The payment or setup intent; none before the first attempt."""
    intent_id = session["payment_intent"] or session["setup_intent"]
    return backend.store.get(intent_id) if intent_id else None


def session_of(backend: Backend, intent: Json) -> Json | None:
    conditions = [Condition.equals(intent["object"], intent["id"])]
    found = backend.store.find("checkout.session", conditions, limit=1)
    return found[0] if found else None


def advance(backend: Backend, session: Json) -> Json:
    """Complete the session if its intent has succeeded or is processing."""
    session = backend.get("checkout.session", session["id"])
    intent = intent_of(backend, session)
    if intent is None or intent["status"] not in ("succeeded", "processing"):
        return session
    changes: Json = {"status": "complete", "url": None}
    if session["mode"] == "payment" and intent["status"] == "succeeded":
        changes |= _paid(backend, session, intent)
    done, _ = backend.change(session, **changes)
    backend.emit("checkout.session.completed", done)
    return done


def settle(backend: Backend, intent: Json, *, succeed: bool) -> Json:
    """Apply the bank's answer to the payment and to its session, if it has one."""
    intent = payments.settle(backend, intent, succeed=succeed)
    session = session_of(backend, intent)
    if session is None:
        return intent
    if succeed:
        session, _ = backend.change(session, **_paid(backend, session, intent))
    outcome = "succeeded" if succeed else "failed"
    backend.emit(f"checkout.session.async_payment_{outcome}", session)
    return intent


def expire(backend: Backend, session: Json) -> Json:
    if session["status"] != "open":
        raise InvalidRequest(
            'Only Checkout Sessions with a status in ["open"] can be expired. '
            f"This Checkout Session has a status of `{session['status']}`."
        )
    intent = intent_of(backend, session)
    if intent and intent["object"] == "payment_intent":
        payments.cancel(backend, intent, "automatic")
    expired, _ = backend.change(session, status="expired", url=None)
    backend.emit("checkout.session.expired", expired)
    return expired


def _paid(backend: Backend, session: Json, intent: Json) -> Json:
    made = session["invoice_creation"] and session["invoice_creation"]["enabled"]
    invoice = invoices.make_paid(backend, session, intent) if made else None
    return {"payment_status": "paid", "invoice": invoice["id"] if invoice else None}


def _require_open(session: Json) -> None:
    if session["status"] != "open":
        raise InvalidRequest(f"This Checkout Session is {session['status']}.")


def _with_payer(backend: Backend, session: Json, email: str | None, name: str | None) -> Json:
    """Add the payer's details, the customer made from them, and the tax at their address."""
    known = backend.store.get(session["customer"]) if session["customer"] else None
    email = (known and known["email"]) or session["customer_email"] or email
    email = email or "payer@example.com"
    name = (known and known["name"]) or name
    if known is None and session["customer_creation"] == "always":
        known = customers.create(backend, email=email, name=name)
    changes: Json = {
        "customer": known["id"] if known else None,
        "customer_details": checkout_session.customer_details(email, name, dict(US_ADDRESS)),
    }
    if session["automatic_tax"]["enabled"]:
        changes |= checkout_session.taxed(session, taxed_items(backend, session))
    return backend.change(session, **changes).object


def taxed_items(backend: Backend, session: Json) -> list[Json]:
    basis_points = backend.settings.tax_basis_points
    return [line_item.taxed(item, basis_points) for item in session["_line_items"]]


def _add_intent(backend: Backend, session: Json) -> Json:
    intent_data = session["_intent_data"]
    if session["mode"] == "setup":
        intent = setups.create(backend, customer=session["customer"], **intent_data)
    else:
        intent = payments.create(
            backend,
            amount=session["amount_total"],
            currency=session["currency"],
            customer=session["customer"],
            payment_method_types=session["payment_method_types"],
            **intent_data,
        )
    backend.change(session, **{intent["object"]: intent["id"]})
    return intent
