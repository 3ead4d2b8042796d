"""Stripe's side of a top-up: create customers and Checkout Sessions, read payments back."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

import stripe
from django.conf import settings
from stripe.checkout import Session

from billing.models import TopUp
from billing.stripe.client import RETRIES, stripe_call
from billing.stripe.payments import Payment

_MARK = "top_up"
_TO_CHARGE = "payment_intent.latest_charge.refunds"
_PAGE = 100
# The bank has taken the money back, for now or finally. An inquiry (warning_...) takes nothing.
_DISPUTED = frozenset(
    {"needs_response", "under_review", "lost", "appeal_needs_response", "appeal_under_review"}
)
_UNDISPUTED = frozenset({"won", "warning_needs_response", "warning_under_review", "warning_closed"})
_NOT_REFUNDED = frozenset({"failed", "canceled"})


class ReturnUrls(NamedTuple):
    """Where Stripe's page leads back to: its `success_url` and `cancel_url`."""

    success: str
    cancel: str


def create_customer(*, workspace_id: int, name: str, email: str, key: str) -> str:
    """Create the customer of a workspace, and return Stripe's id for it."""
    with stripe_call() as client:
        customer = client.v1.customers.create(
            {"name": name, "email": email, "metadata": {"workspace": str(workspace_id)}},
            {"idempotency_key": key},
        )
    return customer.id


def create_session(top_up: TopUp, *, return_urls: ReturnUrls) -> Session:
    """Create the session of a top-up. The second time, Stripe returns the same session."""
    with stripe_call() as client:
        return client.v1.checkout.sessions.create(
            cast(Any, _session_parameters(top_up, return_urls)), {"idempotency_key": str(top_up.id)}
        )


def _session_parameters(top_up: TopUp, return_urls: ReturnUrls) -> dict[str, Any]:
    """Use the row alone: a repeated idempotency key requires the same parameters."""
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
        "success_url": return_urls.success,
        "cancel_url": return_urls.cancel,
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


def page_url(session_id: str) -> str | None:
    """Return the URL of a session's page; None once it is paid, processing or expired."""
    with stripe_call() as client:
        return client.v1.checkout.sessions.retrieve(session_id).url


def close_page(session_id: str) -> None:
    """Close a session's page. Raises StripeRefused once it is paid, processing or expired."""
    with stripe_call() as client:
        client.v1.checkout.sessions.expire(session_id)


def fetch_payment(session_id: str, *, retries: int = RETRIES) -> Payment:
    """Fetch a session with its intent, charge, refunds, disputes and invoice."""
    with stripe_call() as client:
        session = client.v1.checkout.sessions.retrieve(
            session_id, {"expand": [_TO_CHARGE, "invoice"]}, {"max_network_retries": retries}
        )
        return _payment(client, session)


def session_of_intent(intent_id: str) -> Session | None:
    """Return the session that a payment intent belongs to; None for a payment without one."""
    with stripe_call() as client:
        found = client.v1.checkout.sessions.list({"payment_intent": intent_id, "limit": 1})
    return found.data[0] if found.data else None


def paid_since(since: datetime) -> Iterator[Payment]:
    """Yield each paid payment whose session was created since then, newest first."""
    with stripe_call() as client:
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
    """Yield the payment intents of refunds and disputes created since then, with duplicates."""
    created = {"gte": int(since.timestamp())}
    with stripe_call() as client:
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
        # Pending refunds count. Summed from the refunds, because it is undocumented whether the
        # charge's own `amount_refunded` goes down again when one fails.
        refunded_cents=sum(one.amount for one in refunds if one.status not in _NOT_REFUNDED),
        disputed_cents=sum(one.amount for one in disputes if _withholds_money(one)),
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
    """Return when money last moved. Stripe gives no time for the failure of a refund."""
    if charge is None:
        return None
    moments = [
        charge.created,
        *(one.created for one in refunds),
        *(one.created for one in disputes),
    ]
    moments += [movement.created for one in disputes for movement in one.balance_transactions]
    return datetime.fromtimestamp(max(moments), UTC)


def _withholds_money(dispute: stripe.Dispute) -> bool:
    """Decide by the dispute's status; for an unknown one, by its balance transactions."""
    if dispute.status in _DISPUTED:
        return True
    if dispute.status in _UNDISPUTED:
        return False
    return sum(movement.amount for movement in dispute.balance_transactions) < 0


def _receipt(session: Session, charge: stripe.Charge | None) -> str:
    """Prefer the invoice, if there is one: it is the document that bookkeeping needs."""
    invoice = cast("stripe.Invoice | None", session.invoice)
    if invoice and invoice.hosted_invoice_url:
        return invoice.hosted_invoice_url
    return (charge.receipt_url or "") if charge and charge.paid else ""


def _id(expandable: "str | stripe.StripeObject") -> str:
    return expandable if isinstance(expandable, str) else str(expandable["id"])
