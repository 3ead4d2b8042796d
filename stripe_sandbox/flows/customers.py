"""Customers and their payment methods."""

from stripe_sandbox.backend import Backend
from stripe_sandbox.errors import InvalidRequest
from stripe_sandbox.instruments import Instrument
from stripe_sandbox.objects import customer, payment_method
from stripe_sandbox.objects.details import Json


def create(
    backend: Backend,
    *,
    email: str | None = None,
    name: str | None = None,
    phone: str | None = None,
    description: str | None = None,
    metadata: dict[str, str] | None = None,
) -> Json:
    made = customer.build(
        created=backend.now(),
        email=email,
        name=name,
        phone=phone,
        description=description,
        metadata=metadata,
    )
    backend.add(made)
    backend.emit("customer.created", made)
    return made


def add_method(
    backend: Backend, instrument: Instrument, *, email: str | None, name: str | None
) -> Json:
    """A payment method without a customer."""
    return backend.add(
        payment_method.build(created=backend.now(), instrument=instrument, email=email, name=name)
    )


def attach(backend: Backend, method: Json, customer_id: str) -> Json:
    """A second call for the same customer changes nothing."""
    if method["customer"] == customer_id:
        return method
    if method["customer"]:
        raise InvalidRequest(
            "The payment method you provided has already been attached to a customer."
        )
    attached = backend.change(method, customer=customer_id).object
    backend.emit("payment_method.attached", attached)
    return attached


def detach(backend: Backend, method: Json) -> Json:
    if not method["customer"]:
        raise InvalidRequest("The payment method you provided is not attached to a customer.")
    detached, previous = backend.change(method, customer=None)
    backend.emit("payment_method.detached", detached, previous)
    return detached
