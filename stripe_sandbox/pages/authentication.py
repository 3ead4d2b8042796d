"""The 3-D Secure page: the payer completes or fails the challenge of an intent."""

from starlette.responses import HTMLResponse, Response

from stripe_sandbox.backend import Backend
from stripe_sandbox.flows import checkout, payments, setups
from stripe_sandbox.objects.details import Json
from stripe_sandbox.pages.checkout import after_attempt, see
from stripe_sandbox.pages.html import Markup, fill, money
from stripe_sandbox.pages.responses import page


def show(backend: Backend, intent: Json) -> HTMLResponse:
    if intent["status"] != "requires_action":
        return _done()
    is_payment = intent["object"] == "payment_intent"
    what = (
        f"a payment of {money(intent['amount'], intent['currency'])}"
        if is_payment
        else "saving this card"
    )
    session = checkout.session_of(backend, intent)
    target = session["success_url"] if session else None
    return page(
        "Stripe sandbox: 3-D Secure", fill("authenticate", what=what), form_targets=(target,)
    )


def submit(backend: Backend, intent: Json, form: dict[str, str]) -> Response:
    if intent["status"] != "requires_action":
        return _done()
    succeed = form.get("answer") == "complete"
    session = checkout.session_of(backend, intent)
    with backend.store.transaction():
        if session:
            session = checkout.authenticate(backend, session, succeed=succeed)
        elif intent["object"] == "payment_intent":
            payments.authenticate(backend, intent, succeed=succeed)
        else:
            setups.authenticate(backend, intent, succeed=succeed)
    backend.sender.wake()
    return see(after_attempt(session)) if session else _done()


def _done() -> HTMLResponse:
    body = fill(
        "notice",
        heading="Already answered",
        text="You can close this page.",
        back=Markup(""),
    )
    return page("Stripe sandbox: 3-D Secure", body)
