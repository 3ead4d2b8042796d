"""Stripe's side of a top-up: customers and Checkout Sessions made, payments read back."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

import stripe
from django.conf import settings
from stripe.checkout import Session

from billing.models import TopUp
from billing.stripe.client import RETRIES, asking
from billing.stripe.payments import Payment

_MARK = "top_up"
_TO_CHARGE = "payment_intent.latest_charge.refunds"
_PAGE = 100
# The bank has taken the money back, for now or for good. An inquiry (warning_...) only asks.
_DISPUTED = frozenset(
    {"needs_response", "under_review", "lost", "appeal_needs_response", "appeal_under_review"}
)
_UNDISPUTED = frozenset({"won", "warning_needs_response", "warning_under_review", "warning_closed"})
_NOT_REFUNDED = frozenset({"failed", "canceled"})


class Addresses(NamedTuple):
    """Where Stripe's page leads back to."""

    paid: str
    cancelled: str


def create_customer(*, workspace_id: int, name: str, email: str, key: str) -> str:
    """Create the customer that stands for a workspace, and return Stripe's id for it."""
    with asking() as client:
        customer = client.v1.customers.create(
            {"name": name, "email": email, "metadata": {"workspace": str(workspace_id)}},
            {"idempotency_key": key},
        )
    return customer.id


def create_session(top_up: TopUp, *, back_to: Addresses) -> Session:
    """Open the hosted page for a top-up. Again for the same top-up, it is the same session."""
    with asking() as client:
        return client.v1.checkout.sessions.create(
            cast(Any, _session_parameters(top_up, back_to)), {"idempotency_key": str(top_up.id)}
        )


def _session_parameters(top_up: TopUp, back_to: Addresses) -> dict[str, Any]:
    """Only what the row says: the idempotency key allows no other parameters the second time."""
    price: dict[str, Any] = {
        "currency": top_up.currency,
        "unit_amount": top_up.amount_cents,
        "product_data": {"name": f"{top_up.credits:,} apiCredits"},
    }
    parameters: dict[str, Any] = {
        "mode": "payment",
        "submit_type": "pay",
        "client_reference_id": str(top_up.id),
        "customer": top_up.stripe_customer_id,
        "line_items": [{"quantity": 1, "price_data": price}],
        "success_url": back_to.paid,
        "cancel_url": back_to.cancelled,
        "metadata": {_MARK: str(top_up.id)},
        "payment_intent_data": {
            "description": f"{top_up.credits:,} apiCredits",
            "metadata": {_MARK: str(top_up.id)},
        },
    }
    if settings.STRIPE_AUTOMATIC_TAX:
        price["tax_behavior"] = "exclusive"
        parameters["automatic_tax"] = {"enabled": True}
        parameters["customer_update"] = {"address": "auto", "name": "auto"}
    if settings.STRIPE_INVOICE_CREATION:
        parameters["invoice_creation"] = {"enabled": True}
    return parameters


def page_of(session_id: str) -> str | None:
    """Return the address of a session's page; None once it is paid, under way or expired."""
    with asking() as client:
        return client.v1.checkout.sessions.retrieve(session_id).url


def fetch_payment(session_id: str, *, retries: int = RETRIES) -> Payment:
    """Read a session and all that hangs on it."""
    with asking() as client:
        session = client.v1.checkout.sessions.retrieve(
            session_id, {"expand": [_TO_CHARGE, "invoice"]}, {"max_network_retries": retries}
        )
        return _payment(client, session)


def session_of_intent(intent_id: str) -> Session | None:
    """Return the session that a payment intent belongs to; None when it came another way."""
    with asking() as client:
        found = client.v1.checkout.sessions.list({"payment_intent": intent_id, "limit": 1})
    return found.data[0] if found.data else None


def paid_since(since: datetime) -> Iterator[Payment]:
    """Yield each paid payment whose session was opened since then, the newest first."""
    with asking() as client:
        pages = client.v1.checkout.sessions.list(
            {
                "status": "complete",
                "created": {"gte": int(since.timestamp())},
                "limit": _PAGE,
                "expand": [f"data.{path}" for path in (_TO_CHARGE, "invoice")],
            }
        )
        for session in pages.auto_paging_iter():
            if session.payment_status == "paid":
                yield _payment(client, session)


def taken_back_since(since: datetime) -> Iterator[str]:
    """Yield the payment intents of refunds and disputes made since then, some more than once."""
    created = {"gte": int(since.timestamp())}
    with asking() as client:
        refunds = client.v1.refunds.list(cast(Any, {"created": created, "limit": _PAGE}))
        disputes = client.v1.disputes.list(cast(Any, {"created": created, "limit": _PAGE}))
        for pages in (refunds, disputes):
            for one in pages.auto_paging_iter():
                if one.payment_intent:
                    yield _id(one.payment_intent)


def _payment(client: stripe.StripeClient, session: Session) -> Payment:
    intent = cast("stripe.PaymentIntent | None", session.payment_intent)
    charge = cast("stripe.Charge | None", intent.latest_charge if intent else None)
    paid = charge if charge is not None and charge.paid else None
    refunds = _refunds(client, paid) if paid else []
    disputes = _disputes(client, paid) if paid else []
    return Payment(
        session_id=session.id,
        status=session.status,
        payment_status=session.payment_status,
        client_reference_id=session.client_reference_id,
        customer_id=_id(session.customer) if session.customer else None,
        currency=session.currency,
        is_live=session.livemode,
        is_marked=_MARK in (session.metadata or {}),
        subtotal_cents=session.amount_subtotal,
        total_cents=session.amount_total,
        intent_id=intent.id if intent else None,
        intent_status=intent.status if intent else None,
        intent_currency=intent.currency if intent else None,
        received_cents=intent.amount_received if intent else 0,
        # What has gone back or is on its way. Summed from the refunds, because it is not documented
        # that the charge's own `amount_refunded` goes down again when one fails.
        refunded_cents=sum(one.amount for one in refunds if one.status not in _NOT_REFUNDED),
        disputed_cents=sum(one.amount for one in disputes if _has_taken(one)),
        receipt_url=_receipt(session, charge),
        changed_at=_changed_at(paid, refunds, disputes),
    )


def _refunds(client: stripe.StripeClient, charge: stripe.Charge) -> list[stripe.Refund]:
    if charge.refunds is not None and not charge.refunds.has_more:
        return charge.refunds.data
    pages = client.v1.refunds.list({"charge": charge.id, "limit": _PAGE})
    return list(pages.auto_paging_iter())


def _disputes(client: stripe.StripeClient, charge: stripe.Charge) -> list[stripe.Dispute]:
    if not charge.disputed:
        return []
    pages = client.v1.disputes.list({"charge": charge.id, "limit": _PAGE})
    return list(pages.auto_paging_iter())


def _changed_at(
    charge: stripe.Charge | None, refunds: list[stripe.Refund], disputes: list[stripe.Dispute]
) -> datetime | None:
    """Return when money last moved, as far as Stripe tells: it does not date a refund's failure."""
    if charge is None:
        return None
    moments = [
        charge.created,
        *(one.created for one in refunds),
        *(one.created for one in disputes),
    ]
    moments += [movement.created for one in disputes for movement in one.balance_transactions]
    return datetime.fromtimestamp(max(moments), UTC)


def _has_taken(dispute: stripe.Dispute) -> bool:
    """Tell whether a dispute keeps the money from us; for a status we do not know, by its money."""
    if dispute.status in _DISPUTED:
        return True
    if dispute.status in _UNDISPUTED:
        return False
    return sum(movement.amount for movement in dispute.balance_transactions) < 0


def _receipt(session: Session, charge: stripe.Charge | None) -> str:
    """Prefer the invoice, where there is one: it is the document that bookkeeping asks for."""
    invoice = cast("stripe.Invoice | None", session.invoice)
    if invoice and invoice.hosted_invoice_url:
        return invoice.hosted_invoice_url
    return (charge.receipt_url or "") if charge and charge.paid else ""


def _id(named: "str | stripe.StripeObject") -> str:
    return named if isinstance(named, str) else str(named["id"])
