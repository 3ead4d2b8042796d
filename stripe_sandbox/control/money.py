"""Commands for sessions, refunds and disputes."""

from stripe_sandbox import instruments
from stripe_sandbox.backend import Backend
from stripe_sandbox.control import commands
from stripe_sandbox.errors import InvalidRequest, ResourceMissing
from stripe_sandbox.flows import agenda, checkout, disputes, refunds
from stripe_sandbox.objects.details import Json


def pay(backend: Backend, path: str, command: commands.Pay) -> Json:
    """Return the session and its intent. A decline is in the intent, not an error here."""
    instrument = instruments.find(command.instrument)
    session = checkout.pay(
        backend, _session(backend, path), instrument, email=command.email, name=command.name
    )
    return _with_intent(backend, session)


def authenticate(backend: Backend, path: str, command: commands.Answer) -> Json:
    session = checkout.authenticate(backend, _session(backend, path), succeed=command.succeed)
    return _with_intent(backend, session)


def settle(backend: Backend, path: str, command: commands.Answer) -> Json:
    intent = checkout.intent_of(backend, _session(backend, path))
    if intent is None or intent["object"] != "payment_intent":
        raise InvalidRequest("This session has no payment to settle.")
    checkout.settle(backend, intent, succeed=command.succeed)
    return _with_intent(backend, _session(backend, path))


def expire(backend: Backend, path: str, _: commands.Empty) -> Json:
    return _with_intent(backend, checkout.expire(backend, _session(backend, path)))


def refund(backend: Backend, _: str, command: commands.Refund) -> Json:
    return refunds.create(
        backend,
        _charge(backend, command.payment),
        amount=command.amount,
        reason=command.reason,
        outcome=command.outcome,
    )


def finish_refund(backend: Backend, path: str, command: commands.FinishRefund) -> Json:
    return refunds.finish(backend, backend.get("refund", path), command.status)


def open_dispute(backend: Backend, _: str, command: commands.OpenDispute) -> Json:
    return disputes.open_dispute(
        backend,
        _charge(backend, command.payment),
        amount=command.amount,
        reason=command.reason,
        inquiry=command.inquiry,
    )


def escalate_dispute(backend: Backend, path: str, _: commands.Empty) -> Json:
    return disputes.escalate(backend, backend.get("dispute", path))


def close_dispute(backend: Backend, path: str, command: commands.CloseDispute) -> Json:
    return disputes.close(backend, backend.get("dispute", path), command.ending)


def run_agenda(backend: Backend, _: str, __: commands.Empty) -> Json:
    return {"done": agenda.run(backend, even_if_not_due=True)}


def _session(backend: Backend, session_id: str) -> Json:
    return backend.get("checkout.session", session_id, param="session")


def _with_intent(backend: Backend, session: Json) -> Json:
    return {"session": session, "intent": checkout.intent_of(backend, session)}


def _charge(backend: Backend, payment: str) -> Json:
    """The charge behind a charge, a payment intent or a Checkout Session."""
    found = backend.store.get(payment)
    if found and found["object"] == "checkout.session":
        found = checkout.intent_of(backend, found)
    if found and found["object"] == "payment_intent" and found["latest_charge"]:
        found = backend.store.get(found["latest_charge"])
    if found is None or found["object"] != "charge":
        raise ResourceMissing(f"No charge behind '{payment}'", param="payment")
    return found
