"""/v1/customers and /v1/payment_methods."""

from stripe_sandbox import instruments
from stripe_sandbox.api import lists, search
from stripe_sandbox.api.call import Call
from stripe_sandbox.errors import InvalidRequest
from stripe_sandbox.flows import customers
from stripe_sandbox.instruments import Instrument
from stripe_sandbox.objects.details import Json
from stripe_sandbox.store import Condition

_TEXTS = ("email", "name", "phone", "description")


def create(call: Call) -> Json:
    texts = {name: call.params.text(name, max_length=512) for name in _TEXTS}
    return customers.create(call.backend, metadata=new_metadata(call), **texts)


def retrieve(call: Call) -> Json:
    return call.backend.get("customer", call.path["customer"])


def update(call: Call) -> Json:
    found = retrieve(call)
    texts = {
        name: call.params.text(name, max_length=512) for name in _TEXTS if call.params.has(name)
    }
    changed, previous = call.backend.change(found, metadata=merged_metadata(call, found), **texts)
    if previous:
        call.backend.emit("customer.updated", changed, previous)
    return changed


def listing(call: Call) -> Json:
    return lists.page(call, "customer", ("email",))


def find(call: Call) -> Json:
    return search.search(call, "customer")


def new_metadata(call: Call) -> dict[str, str]:
    return {key: value for key, value in call.params.metadata().items() if value}


def merged_metadata(call: Call, obj: Json) -> dict[str, str]:
    """Sent keys are added or changed; keys sent empty are deleted."""
    both = {**obj["metadata"], **call.params.metadata()}
    return {key: value for key, value in both.items() if value}


def create_method(call: Call) -> Json:
    kind = call.params.choice("type", ("card",)) or "card"
    card = call.params.group(kind)
    instrument = instruments.find(card.text("number") or card.required("token"))
    for ignored in ("exp_month", "exp_year", "cvc"):
        card.text(ignored)
    details = call.params.group("billing_details")
    return customers.add_method(
        call.backend, instrument, email=details.text("email"), name=details.text("name")
    )


def retrieve_method(call: Call) -> Json:
    return call.backend.get("payment_method", call.path["method"])


def list_methods(call: Call) -> Json:
    return lists.page(call, "payment_method", ("customer", "type"))


def list_customer_methods(call: Call) -> Json:
    customer = retrieve(call)
    return lists.page(
        call, "payment_method", ("type",), [Condition.equals("customer", customer["id"])]
    )


def attach_method(call: Call) -> Json:
    customer = call.backend.get("customer", call.params.required("customer"), param="customer")
    return customers.attach(call.backend, method_named(call, call.path["method"]), customer["id"])


def detach_method(call: Call) -> Json:
    return customers.detach(call.backend, retrieve_method(call))


def method_named(call: Call, name: str) -> Json:
    """A stored payment method, or a new one for a test token such as `pm_card_visa`."""
    instrument = _token(name)
    if instrument is None:
        return call.backend.get("payment_method", name, param="payment_method")
    return customers.add_method(call.backend, instrument, email=None, name=None)


def method_for(call: Call, name: str, customer: str | None) -> Json:
    """The method for an intent of this customer; another customer's method is refused."""
    method = method_named(call, name)
    if method["customer"] and method["customer"] != customer:
        raise InvalidRequest(
            "The provided PaymentMethod cannot be attached. To reuse a PaymentMethod, you must "
            "attach it to a Customer first, and name that Customer.",
            param="payment_method",
        )
    return method


def _token(name: str) -> Instrument | None:
    return next((one for one in instruments.ALL if one.token == name), None)
