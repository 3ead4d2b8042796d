"""The payment page of a Checkout Session."""

from urllib.parse import quote, urlsplit

from starlette.responses import HTMLResponse, RedirectResponse, Response

from stripe_sandbox import instruments
from stripe_sandbox.backend import Backend
from stripe_sandbox.errors import StripeError
from stripe_sandbox.flows import checkout
from stripe_sandbox.objects.details import Json
from stripe_sandbox.pages.html import Markup, fill, join, money
from stripe_sandbox.pages.responses import page

_OFFERED = (
    "4242424242424242",
    "4000000000000002",
    "4000002500003155",
    "4000000000000259",
    "bank_succeeds",
    "bank_fails",
)
_NOTHING = Markup("")


def show(backend: Backend, session: Json) -> HTMLResponse:
    if session["status"] != "open":
        return _closed(session)
    return _form(backend, session, failure=_last_failure(backend, session))


def submit(backend: Backend, session: Json, form: dict[str, str]) -> Response:
    """Try to pay with the test method whose button was pressed, else with the typed number."""
    if session["status"] != "open":
        return _closed(session)
    try:
        instrument = instruments.find(form.get("instrument") or form.get("number", ""))
        with backend.store.transaction():
            session = checkout.pay(backend, session, instrument, email=form.get("email"))
    except StripeError as error:
        return _form(backend, session, form=form, number_error=error.message)
    intent = checkout.intent_of(backend, session)
    backend.sender.wake()
    if intent and intent["next_action"]:
        return see(intent["next_action"]["redirect_to_url"]["url"])
    return see(after_attempt(session))


def expire(backend: Backend, session: Json) -> Response:
    if session["status"] == "open":
        with backend.store.transaction():
            session = checkout.expire(backend, session)
        backend.sender.wake()
    return see(f"/c/pay/{session['id']}")


def see(url: str) -> RedirectResponse:
    return RedirectResponse(url, 303, {"Cache-Control": "no-store"})


def after_attempt(session: Json) -> str:
    """The shop's URL once the session is complete, else the form, which shows the reason."""
    if session["status"] == "complete":
        return success_url(session)
    return f"/c/pay/{session['id']}"


def success_url(session: Json) -> str:
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", quote(session["id"]))


def back_link(url: str | None) -> Markup:
    return fill("back", url=url, host=urlsplit(url).netloc) if url else _NOTHING


def _form(
    backend: Backend,
    session: Json,
    *,
    form: dict[str, str] | None = None,
    failure: str | None = None,
    number_error: str | None = None,
) -> HTMLResponse:
    typed = form or {}
    customer = backend.store.get(session["customer"]) if session["customer"] else None
    known = (customer and customer["email"]) or session["customer_email"]
    body = fill(
        "checkout",
        session=session["id"],
        **_texts(backend, session),
        back=back_link(session["cancel_url"]),
        alert=fill("alert", text=failure) if failure else _NOTHING,
        email=known or typed.get("email", ""),
        email_fixed=Markup(" readonly") if known else _NOTHING,
        number=typed.get("number", ""),
        number_invalid=Markup(' aria-invalid="true" autofocus') if number_error else _NOTHING,
        number_error_id=" number-error" if number_error else "",
        number_error=fill("number_error", text=number_error) if number_error else _NOTHING,
        choices=join([_choice(name) for name in _offered(session)]),
    )
    return page(
        "Stripe sandbox: payment",
        body,
        status=422 if number_error else 200,
        form_targets=(session["success_url"],),
    )


def _texts(backend: Backend, session: Json) -> dict[str, str]:
    """The texts that differ between payment and setup."""
    if session["mode"] == "setup":
        return {
            "heading": "Your card, for later",
            "order": "",
            "invitation": "Save a test card",
            "press": "Save card",
        }
    items = _items(backend, session)
    total = money(sum(item["amount_total"] for item in items), session["currency"])
    return {
        "heading": "Your payment",
        "order": fill("order", total=total, lines=_lines(session, items)),
        "invitation": "Pay with a test card",
        "press": f"Pay {total}",
    }


def _offered(session: Json) -> list[str]:
    kinds = session["payment_method_types"]
    return [name for name in _OFFERED if instruments.find(name).kind in kinds]


def _choice(name: str) -> Markup:
    instrument = instruments.find(name)
    detail = f"•••• {instrument.last4}" if instrument.kind == "card" else "ACH"
    return fill("choice", value=name, label=instrument.label, detail=detail)


def _items(backend: Backend, session: Json) -> list[Json]:
    if session["automatic_tax"]["enabled"]:
        return checkout.taxed_items(backend, session)
    return list(session["_line_items"])


def _lines(session: Json, items: list[Json]) -> Markup:
    rows = [
        fill(
            "line",
            name=item["description"],
            note=f"Quantity {item['quantity']}" if item["quantity"] > 1 else "",
            amount=money(item["amount_subtotal"], item["currency"]),
        )
        for item in items
    ]
    if session["automatic_tax"]["enabled"]:
        tax = money(sum(item["amount_tax"] for item in items), session["currency"])
        rows.append(fill("line", name="Tax", note="", amount=tax))
    return join(rows)


def _last_failure(backend: Backend, session: Json) -> str | None:
    intent = checkout.intent_of(backend, session)
    failure = intent and (intent.get("last_payment_error") or intent.get("last_setup_error"))
    return failure["message"] if failure else None


def _closed(session: Json) -> HTMLResponse:
    if session["status"] == "expired":
        heading, text = (
            "This page has expired",
            "Nothing was paid. Go back to the shop to start again.",
        )
        back = back_link(session["cancel_url"])
    else:
        heading, text = "You are done here", "There is nothing left to do on this page."
        back = back_link(success_url(session))
    body = fill("notice", heading=heading, text=text, back=back)
    return page(f"Stripe sandbox: {heading}", body)
