"""/v1/payment_intents and /v1/setup_intents."""

from typing import Any

from stripe_sandbox.api import customers, lists, search
from stripe_sandbox.api.amounts import check_amount
from stripe_sandbox.api.call import Call
from stripe_sandbox.errors import CardError, InvalidRequest
from stripe_sandbox.flows import payments, setups
from stripe_sandbox.objects.details import Json

_TEXTS = ("description", "receipt_email", "statement_descriptor", "statement_descriptor_suffix")
_REASONS = ("abandoned", "duplicate", "fraudulent", "requested_by_customer")


def create(call: Call) -> Json:
    params = call.params
    amount = params.required_integer("amount")
    currency = params.required("currency").lower()
    check_amount(amount, currency)
    intent = payments.create(
        call.backend,
        amount=amount,
        currency=currency,
        setup_future_usage=params.choice("setup_future_usage", ("off_session", "on_session")),
        **{name: params.text(name) for name in _TEXTS},
        **_common(call),
    )
    method, off_session = params.text("payment_method"), bool(params.boolean("off_session"))
    if params.boolean("confirm"):
        return _confirm(call, intent, method, off_session=off_session)
    if off_session:
        raise InvalidRequest("off_session needs confirm=true.", param="off_session")
    return _with_method(call, intent, method) if method else intent


def retrieve(call: Call) -> Json:
    return call.backend.get("payment_intent", call.path["intent"], param="intent")


def confirm(call: Call) -> Json:
    off_session = bool(call.params.boolean("off_session"))
    return _confirm(
        call, retrieve(call), call.params.text("payment_method"), off_session=off_session
    )


def cancel(call: Call) -> Json:
    reason = call.params.choice("cancellation_reason", _REASONS)
    return payments.cancel(call.backend, retrieve(call), reason)


def listing(call: Call) -> Json:
    return lists.page(call, "payment_intent", ("customer",))


def find(call: Call) -> Json:
    return search.search(call, "payment_intent")


def create_setup(call: Call) -> Json:
    usage = call.params.choice("usage", ("off_session", "on_session")) or "off_session"
    description = call.params.text("description")
    common = _common(call)
    intent = setups.create(call.backend, usage=usage, description=description, **common)
    method = call.params.text("payment_method")
    if call.params.boolean("confirm"):
        return _confirm_setup(call, intent, method)
    return _with_method(call, intent, method) if method else intent


def retrieve_setup(call: Call) -> Json:
    return call.backend.get("setup_intent", call.path["intent"], param="intent")


def confirm_setup(call: Call) -> Json:
    return _confirm_setup(call, retrieve_setup(call), call.params.text("payment_method"))


def list_setups(call: Call) -> Json:
    return lists.page(call, "setup_intent", ("customer", "payment_method"))


def _common(call: Call) -> dict[str, Any]:
    """Parameters of both kinds of intent."""
    customer = call.params.text("customer")
    if customer:
        call.backend.get("customer", customer, param="customer")
    automatic = call.params.group("automatic_payment_methods")
    automatic.boolean("enabled")
    automatic.choice("allow_redirects", ("always", "never"))
    return {
        "customer": customer,
        "metadata": customers.new_metadata(call),
        "payment_method_types": call.params.texts("payment_method_types") or None,
    }


def _with_method(call: Call, intent: Json, name: str) -> Json:
    method = customers.method_for(call, name, intent["customer"])
    return call.backend.change(
        intent, payment_method=method["id"], status="requires_confirmation"
    ).object


def _method_of(call: Call, intent: Json, name: str | None) -> Json:
    """The method in the request, else the intent's own."""
    name = name or intent["payment_method"]
    if name is None:
        raise InvalidRequest(
            f"You cannot confirm this {intent['object']} because it's missing a payment method.",
            code=f"{intent['object']}_unexpected_state",
        )
    return customers.method_for(call, name, intent["customer"])


def _confirm(call: Call, intent: Json, name: str | None, *, off_session: bool) -> Json:
    call.params.url("return_url")
    method = _method_of(call, intent, name)
    confirmed = payments.confirm(call.backend, intent, method, off_session=off_session)
    return _unless_refused(confirmed, confirmed["last_payment_error"])


def _confirm_setup(call: Call, intent: Json, name: str | None) -> Json:
    call.params.url("return_url")
    confirmed = setups.confirm(call.backend, intent, _method_of(call, intent, name))
    return _unless_refused(confirmed, confirmed["last_setup_error"])


def _unless_refused(intent: Json, failure: Json | None) -> Json:
    """Raise a refusal as a 402 with the intent, as the real API does."""
    if intent["status"] != "requires_payment_method" or failure is None:
        return intent
    more = {key: failure[key] for key in ("charge", "decline_code", "payment_method")}
    raise CardError(
        failure["message"], code=failure["code"], more={intent["object"]: intent, **more}
    )
