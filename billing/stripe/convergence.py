"""Bring our books to what Stripe says about one top-up.

The webhook's task, the return page, the reconciliation and an operator's button all come here.
"""

import logging
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from billing.external_wait import waiting_outside
from billing.models import TopUp, TopUpState
from billing.stripe import booking, checkout
from billing.stripe.client import RETRIES
from billing.stripe.payments import Expected, Outcome, Payment, Verdict, judge

logger = logging.getLogger(__name__)


@transaction.atomic(durable=True)
def converge(*, top_up_id: UUID) -> TopUp:
    """Ask Stripe how the payment stands, and post what our books lack; any number of times.

    Raises TopUp.DoesNotExist, and StripeUnavailable or StripeRefused with nothing changed.
    """
    top_up = TopUp.objects.select_for_update().get(pk=top_up_id)
    return _converge(top_up)


@transaction.atomic(durable=True)
def converge_if_free(*, top_up_id: UUID) -> TopUp | None:
    """Do the same for somebody who waits: with one try, and none (None) while another is at it."""
    top_up = TopUp.objects.select_for_update(skip_locked=True).filter(pk=top_up_id).first()
    return _converge(top_up, retries=0) if top_up else None


def _converge(top_up: TopUp, *, retries: int = RETRIES) -> TopUp:
    """The row is locked *before* Stripe is asked: an answer from before the lock could be older
    than what another process has booked since, and would undo it. The wallet is locked after."""
    if top_up.stripe_session_id is None:
        return top_up  # no page was ever opened, so nothing can have been paid
    with waiting_outside():
        payment = checkout.fetch_payment(top_up.stripe_session_id, retries=retries)
    verdict = judge(expected_of(top_up), payment)
    if verdict.outcome is Outcome.PARKED:
        logger.error("top-up %s is parked: %s", top_up.id, verdict.parked_because)
    else:
        booking.book(top_up, verdict)
    _note(top_up, payment, verdict)
    return top_up


def expected_of(top_up: TopUp) -> Expected:
    """Return what Stripe's objects have to agree with."""
    return Expected(
        top_up_id=top_up.id,
        amount_cents=top_up.amount_cents,
        currency=top_up.currency,
        credits=top_up.credits,
        customer_id=top_up.stripe_customer_id,
        is_live=settings.STRIPE_LIVEMODE,
        credited=top_up.credited,
    )


def _note(top_up: TopUp, payment: Payment, verdict: Verdict) -> None:
    top_up.state = TopUpState(verdict.outcome.value)
    top_up.parked_because = verdict.parked_because[:200]
    top_up.stripe_payment_intent_id = payment.intent_id
    top_up.receipt_url = payment.receipt_url[:500]
    top_up.converged_at = timezone.now()
    top_up.save(
        update_fields=[
            *("state", "parked_because"),
            *("stripe_payment_intent_id", "receipt_url", "converged_at"),
        ]
    )
