"""The top-ups of a person: start one, open Stripe's page for it, refresh its state."""

import itertools
import logging
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID, uuid5

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from accounts.models import User, Workspace
from billing.amounts import credits_for
from billing.errors import (
    PaymentsNotConfigured,
    StripeRefused,
    StripeUnavailable,
    TooManyOpenTopUps,
)
from billing.ledger import wallets
from billing.models import OPEN_STATES, StripeCustomer, TopUp, TopUpState, Wallet
from billing.stripe import checkout, convergence
from billing.stripe.checkout import ReturnUrls

logger = logging.getLogger(__name__)

# What Stripe knows of a top-up cannot be found out; nothing has changed.
CANNOT_ANSWER = (StripeUnavailable, StripeRefused, PaymentsNotConfigured)
_MAX_UNPAID = 20
_REFRESH_INTERVAL = timedelta(seconds=2)
_REUSABLE_STATES = (*OPEN_STATES, TopUpState.PAID)


class Refreshed(NamedTuple):
    """A top-up's current state; `is_stripe_unavailable` is None if Stripe was not asked."""

    top_up: TopUp
    is_stripe_unavailable: bool | None


def start(*, workspace: Workspace, user: User, amount_cents: int, form_id: UUID) -> TopUp:
    """Write the top-up's row, before Stripe is called.

    `form_id` came with the form and becomes the top-up's id: the same form sent twice, or twice at
    once, is one top-up. If that one has another amount, failed, expired or needs review, the next
    id that follows from the form's is taken, so the same holds for a second attempt.
    Raises PaymentsNotConfigured and TooManyOpenTopUps.
    """
    if not settings.STRIPE_SECRET_KEY:
        raise PaymentsNotConfigured("STRIPE_SECRET_KEY is not set")
    wallet = wallets.wallet_of(workspace)
    purchase = {
        "wallet": wallet,
        "created_by": user,
        "amount_cents": amount_cents,
        "credits": credits_for(amount_cents),
    }
    for attempt in itertools.count():
        top_up_id = uuid5(form_id, str(attempt)) if attempt else form_id
        top_up = TopUp.objects.filter(pk=top_up_id).first()
        if top_up is None:
            _refuse_too_many(wallet)
            # Two at once: the one whose insert comes second gets the first one's row.
            top_up, _ = TopUp.objects.get_or_create(id=top_up_id, defaults=purchase)
        if _is_payable(top_up, wallet, amount_cents):
            return top_up
    raise AssertionError  # itertools.count() has no end


def _is_payable(top_up: TopUp, wallet: Wallet, amount_cents: int) -> bool:
    """Whether a form that is sent now means this top-up."""
    return (
        top_up.wallet_id == wallet.pk
        and top_up.amount_cents == amount_cents
        and top_up.state in _REUSABLE_STATES
    )


def _refuse_too_many(wallet: Wallet) -> None:
    """Each unpaid top-up costs a page at Stripe, and a request to it every five minutes."""
    unpaid = TopUp.objects.filter(wallet=wallet, state=TopUpState.PENDING)
    if unpaid.count() >= _MAX_UNPAID:
        raise TooManyOpenTopUps(f"wallet {wallet.pk} has {_MAX_UNPAID} unpaid top-ups")


def open_page(
    *, top_up: TopUp, workspace: Workspace, user: User, return_urls: ReturnUrls
) -> str | None:
    """Return the URL of Stripe's page; None when there is nothing left to pay there.

    Raises StripeUnavailable and StripeRefused. A retry with the same top-up gets the same page,
    unless Stripe would repeat its error for this idempotency key: then the top-up is failed, and
    only a new one can succeed. A top-up that was cancelled meanwhile has no page.
    """
    if not top_up.stripe_session_id:
        try:
            return _open_session(top_up, workspace, user, return_urls)
        except (StripeUnavailable, StripeRefused) as error:
            _fail_if_permanent(top_up, error)
            raise
    return checkout.page_url(top_up.stripe_session_id) if top_up.is_open else None


def _open_session(
    top_up: TopUp, workspace: Workspace, user: User, return_urls: ReturnUrls
) -> str | None:
    if not top_up.stripe_customer_id:
        top_up.stripe_customer_id = _customer_of(workspace, user, top_up)
        top_up.save(update_fields=["stripe_customer_id"])
    session = checkout.create_session(top_up, return_urls=return_urls)
    top_up.stripe_session_id = session.id
    # Before anybody can open the page. Of this and a cancellation the first counts.
    row = TopUp.objects.filter(pk=top_up.pk)
    if row.filter(state=TopUpState.PENDING).update(stripe_session_id=session.id):
        return session.url
    row.update(stripe_session_id=session.id)
    _close_cancelled(top_up, session.id)
    top_up.refresh_from_db()
    return None


def _close_cancelled(top_up: TopUp, session_id: str) -> None:
    """Close the page that Stripe made while its top-up was cancelled.

    Its address is known to nobody yet, so a failure leaves a page that nobody can pay on.
    """
    try:
        checkout.close_page(session_id)
    except CANNOT_ANSWER as error:
        logger.warning("the page of cancelled top-up %s is not closed: %s", top_up.pk, error)


def _customer_of(workspace: Workspace, user: User, top_up: TopUp) -> str:
    """Return the workspace's customer at Stripe. Of two created at once, one is never used."""
    is_live = settings.STRIPE_LIVEMODE
    known = StripeCustomer.objects.filter(workspace=workspace, is_live=is_live).first()
    if known:
        return known.stripe_id
    stripe_id = checkout.create_customer(
        workspace_id=workspace.pk,
        name=workspace.name,
        email=user.email,
        key=f"{top_up.id}-customer",
    )
    customer, _ = StripeCustomer.objects.get_or_create(
        workspace=workspace, is_live=is_live, defaults={"stripe_id": stripe_id}
    )
    return customer.stripe_id


def _fail_if_permanent(top_up: TopUp, error: StripeUnavailable | StripeRefused) -> None:
    if isinstance(error, StripeUnavailable) and not error.is_remembered:
        return
    if isinstance(error, StripeRefused) and error.param == "customer":
        # The customer was deleted at Stripe: the next top-up gets a new one.
        StripeCustomer.objects.filter(stripe_id=top_up.stripe_customer_id).delete()
    TopUp.objects.filter(pk=top_up.pk, state=TopUpState.PENDING).update(
        state=TopUpState.FAILED, state_since=timezone.now()
    )


def cancel(*, top_up: TopUp) -> TopUp:
    """Close the payment page, so that nothing can be paid; a payment that was faster wins.

    The second time changes nothing. Raises CANNOT_ANSWER.
    """
    row = TopUp.objects.filter(pk=top_up.pk)
    if not top_up.stripe_session_id:
        unpaid = row.filter(state=TopUpState.PENDING, stripe_session_id=None)
        now = timezone.now()
        unpaid.update(state=TopUpState.EXPIRED, state_since=now, cancelled_at=now)
        top_up.refresh_from_db()  # its page may have been opened just now
    if not top_up.stripe_session_id:
        return top_up
    try:
        checkout.close_page(top_up.stripe_session_id)
    except StripeRefused as error:
        logger.info("top-up %s cannot be cancelled: %s", top_up.pk, error)
    else:
        row.update(cancelled_at=timezone.now())
    return convergence.converge(top_up_id=top_up.pk)


def refresh(*, top_up: TopUp) -> Refreshed:
    """Converge a top-up that is not paid for a waiting page, at most every two seconds.

    One that failed or expired is asked about, too: Stripe may have been paid since. Raises nothing
    when Stripe is unavailable: the page shows our own state then.
    """
    is_paid = top_up.state == TopUpState.PAID
    if is_paid or not (top_up.stripe_session_id and _claim_refresh(top_up)):
        return Refreshed(top_up, is_stripe_unavailable=None)
    try:
        converged = convergence.converge_if_free(top_up_id=top_up.pk)
    except CANNOT_ANSWER as error:
        logger.warning("top-up %s is shown without a refresh: %s", top_up.pk, error)
        return Refreshed(top_up, is_stripe_unavailable=True)
    return Refreshed(converged or top_up, is_stripe_unavailable=False if converged else None)


def _claim_refresh(top_up: TopUp) -> bool:
    now = timezone.now()
    is_due = Q(asked_at=None) | Q(asked_at__lt=now - _REFRESH_INTERVAL)
    return bool(TopUp.objects.filter(is_due, pk=top_up.pk).update(asked_at=now))
