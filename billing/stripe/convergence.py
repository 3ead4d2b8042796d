"""Bring the ledger in line with Stripe's state of one top-up.

The webhook's task, the return page, the reconciliation and an operator's button all call this.
"""

import logging
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from billing import outbox
from billing.external_wait import external_wait
from billing.ledger import clawback, welcome
from billing.models import AlertKind, EntryKind, TopUp, TopUpState
from billing.stripe import checkout
from billing.stripe.client import RETRIES
from billing.stripe.payments import Expected, Outcome, Payment, Verdict, judge

logger = logging.getLogger(__name__)


@transaction.atomic(durable=True)
def converge(*, top_up_id: UUID) -> TopUp:
    """Fetch the payment from Stripe and post what the ledger lacks; any number of times.

    Raises TopUp.DoesNotExist, and StripeUnavailable or StripeRefused with nothing changed.
    """
    top_up = TopUp.objects.select_for_update().get(pk=top_up_id)
    return _converge(top_up)


@transaction.atomic(durable=True)
def converge_if_free(*, top_up_id: UUID) -> TopUp | None:
    """Converge for a waiting page: without retries, and None while another process converges."""
    top_up = TopUp.objects.select_for_update(skip_locked=True).filter(pk=top_up_id).first()
    return _converge(top_up, retries=0) if top_up else None


def _converge(top_up: TopUp, *, retries: int = RETRIES) -> TopUp:
    """The row is locked *before* Stripe is asked: a response from before the lock could be older
    than what another process has posted since, and would undo it. The wallet is locked after."""
    if top_up.stripe_session_id is None:
        return top_up  # no page was ever opened, so nothing can have been paid
    with external_wait():
        payment = checkout.fetch_payment(top_up.stripe_session_id, retries=retries)
    verdict = judge(expected_of(top_up), payment)
    if verdict.outcome is Outcome.NEEDS_REVIEW:
        logger.error("top-up %s needs review: %s", top_up.id, verdict.review_reason)
    else:
        post_difference(top_up, verdict)
    _save_outcome(top_up, payment, verdict)
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


def post_difference(top_up: TopUp, verdict: Verdict) -> None:
    """Post what the ledger lacks, credits before debits, and save the new totals on the row.

    The second time, with the same verdict, nothing moves. Call it in a transaction that has locked
    the row.
    """
    moves = [
        (EntryKind.TOP_UP, verdict.credited - top_up.credited),
        (EntryKind.REFUND, top_up.refunded - verdict.refunded),
        (EntryKind.DISPUTE, top_up.disputed - verdict.disputed),
    ]
    for kind, amount in sorted(moves, key=lambda move: move[1] < 0):
        if amount:
            _post(top_up, kind, amount)
    top_up.credited = verdict.credited
    top_up.refunded = verdict.refunded
    top_up.disputed = verdict.disputed
    top_up.save(update_fields=["credited", "refunded", "disputed", "posting_count"])
    if verdict.credited:
        welcome.grant_after_payment(wallet_id=top_up.wallet_id)


def _post(top_up: TopUp, kind: EntryKind, amount: int) -> None:
    top_up.posting_count += 1
    movement: dict[str, Any] = {
        "wallet_id": top_up.wallet_id,
        "kind": kind,
        "amount": abs(amount),
        "reference": f"{top_up.id}:{top_up.posting_count}",
        "reason": _REASONS[kind, amount > 0],
    }
    owed = 0
    if amount > 0:
        clawback.credit(**movement)
    else:
        owed = clawback.debit(**movement)
    if kind in _TAKEN_BACK:
        _announce(top_up, _TAKEN_BACK[kind], movement["reference"], returned=amount, owed=owed)


_REASONS = {
    (EntryKind.TOP_UP, True): "Paid through Stripe",
    (EntryKind.REFUND, False): "Top-up refunded",
    (EntryKind.REFUND, True): "A refund of the top-up failed",
    (EntryKind.DISPUTE, False): "Top-up disputed by the cardholder",
    (EntryKind.DISPUTE, True): "Dispute over the top-up won",
}
_TAKEN_BACK = {EntryKind.REFUND: AlertKind.REFUND, EntryKind.DISPUTE: AlertKind.DISPUTE}


def _announce(
    top_up: TopUp, kind: AlertKind, crossing: str, *, returned: int = 0, owed: int = 0
) -> None:
    """Record the mail in the transaction of what it tells: once, however often it is converged."""
    outbox.announce(
        workspace_id=top_up.wallet.workspace_id,
        kind=kind,
        crossing=crossing,
        figures={
            "top_up_id": str(top_up.id),
            "paid_on": f"{top_up.created_at.day} {top_up.created_at:%B %Y}",
            "bought": top_up.credits,
            "credits": abs(returned),
            "is_returned": returned > 0,
            "owed": owed,
        },
    )


def _save_outcome(top_up: TopUp, payment: Payment, verdict: Verdict) -> None:
    if verdict.outcome is Outcome.FAILED:
        _announce(top_up, AlertKind.PAYMENT_FAILED, str(top_up.id))
    state, now = TopUpState(verdict.outcome.value), timezone.now()
    if state != top_up.state:
        top_up.state, top_up.state_since = state, now
    top_up.review_reason = verdict.review_reason[:200]
    top_up.stripe_payment_intent_id = payment.intent_id
    top_up.receipt_url = payment.receipt_url[:500]
    top_up.converged_at = now
    top_up.save(
        update_fields=[
            *("state", "state_since", "review_reason"),
            *("stripe_payment_intent_id", "receipt_url", "converged_at"),
        ]
    )
