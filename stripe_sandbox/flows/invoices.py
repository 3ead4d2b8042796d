"""The invoice that Checkout makes for a payment when `invoice_creation` is on."""

from stripe_sandbox.backend import Backend
from stripe_sandbox.objects import invoice
from stripe_sandbox.objects.details import Json


def make_paid(backend: Backend, session: Json, intent: Json) -> Json:
    customer = backend.get("customer", session["customer"])
    made = backend.add(
        invoice.build(
            created=backend.now(),
            session=session,
            intent=intent,
            customer=customer,
            pages_url=backend.page_url("invoices"),
        )
    )
    backend.change(customer, next_invoice_sequence=customer["next_invoice_sequence"] + 1)
    for event_type in (
        "invoice.created",
        "invoice.finalized",
        "invoice.paid",
        "invoice.payment_succeeded",
    ):
        backend.emit(event_type, made)
    return made
