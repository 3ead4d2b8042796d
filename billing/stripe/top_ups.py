"""What a person does with top-ups: start one, open Stripe's page for it, look how it stands."""

import logging
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

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
from billing.stripe.checkout import Addresses

logger = logging.getLogger(__name__)

_MOST_OPEN = 20
_BETWEEN_LOOKS = timedelta(seconds=2)
_KEPT_OPEN = (*OPEN_STATES, TopUpState.PAID)


class Look(NamedTuple):
    """A top-up as it stands; `is_stripe_away` is None where Stripe was not asked."""

    top_up: TopUp
    is_stripe_away: bool | None


def start(*, workspace: Workspace, user: User, amount_cents: int, form_id: UUID) -> TopUp:
    """Write down what is to be bought, before Stripe hears of it.

    `form_id` came with the form and becomes the top-up's id: the same form sent twice is one
    top-up. After an end that was none, or with another amount, it is a new one. Raises
    PaymentsNotConfigured and TooManyOpenTopUps.
    """
    if not settings.STRIPE_SECRET_KEY:
        raise PaymentsNotConfigured("STRIPE_SECRET_KEY is not set")
    wallet = wallets.wallet_of(workspace)
    bought = {
        "wallet": wallet,
        "created_by": user,
        "amount_cents": amount_cents,
        "credits": credits_for(amount_cents),
    }
    sent_before = TopUp.objects.filter(
        pk=form_id, wallet=wallet, amount_cents=amount_cents, state__in=_KEPT_OPEN
    ).first()
    if sent_before:
        return sent_before
    _refuse_too_many(wallet)
    top_up, is_new = TopUp.objects.get_or_create(id=form_id, defaults=bought)
    return top_up if is_new else TopUp.objects.create(**bought)


def _refuse_too_many(wallet: Wallet) -> None:
    """Each open top-up is a page at Stripe, and a question to it every five minutes."""
    open_now = TopUp.objects.filter(wallet=wallet, state=TopUpState.PENDING)
    if open_now.count() >= _MOST_OPEN:
        raise TooManyOpenTopUps(f"wallet {wallet.pk} has {_MOST_OPEN} unpaid top-ups")


def open_page(*, top_up: TopUp, workspace: Workspace, user: User, back_to: Addresses) -> str | None:
    """Return the address of Stripe's page; None when there is nothing left to pay there.

    Raises StripeUnavailable: the same top-up can be tried again and gets the same page. Where
    Stripe would repeat its no for ever, the top-up is failed and only a new one can help.
    """
    if not top_up.stripe_session_id:
        try:
            return _open_session(top_up, workspace, user, back_to)
        except (StripeUnavailable, StripeRefused) as error:
            _give_up_if_hopeless(top_up, error)
            raise
    return checkout.page_of(top_up.stripe_session_id) if top_up.is_open else None


def _open_session(
    top_up: TopUp, workspace: Workspace, user: User, back_to: Addresses
) -> str | None:
    if not top_up.stripe_customer_id:
        top_up.stripe_customer_id = _customer_of(workspace, user, top_up)
        top_up.save(update_fields=["stripe_customer_id"])
    session = checkout.create_session(top_up, back_to=back_to)
    top_up.stripe_session_id = session.id
    top_up.save(update_fields=["stripe_session_id"])  # before anybody can reach the page
    return session.url


def _customer_of(workspace: Workspace, user: User, top_up: TopUp) -> str:
    """Return the workspace's customer at Stripe. Of two made at once, one is never used."""
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


def _give_up_if_hopeless(top_up: TopUp, error: StripeUnavailable | StripeRefused) -> None:
    if isinstance(error, StripeUnavailable) and not error.is_remembered:
        return
    if isinstance(error, StripeRefused) and error.param == "customer":
        # Somebody deleted the customer at Stripe: the next top-up gets a new one.
        StripeCustomer.objects.filter(stripe_id=top_up.stripe_customer_id).delete()
    TopUp.objects.filter(pk=top_up.pk, state=TopUpState.PENDING).update(state=TopUpState.FAILED)


def look(*, top_up: TopUp) -> Look:
    """Return the top-up as it stands, and ask Stripe first if nobody has in the last two seconds.

    For pages that wait: they have something to show while Stripe is away, too.
    """
    if not (top_up.is_open and top_up.stripe_session_id and _is_our_turn(top_up)):
        return Look(top_up, is_stripe_away=None)
    try:
        converged = convergence.converge_if_free(top_up_id=top_up.pk)
    except (StripeUnavailable, StripeRefused) as error:
        logger.warning("top-up %s is shown as we know it: %s", top_up.pk, error)
        return Look(top_up, is_stripe_away=True)
    return Look(converged or top_up, is_stripe_away=False if converged else None)


def _is_our_turn(top_up: TopUp) -> bool:
    now = timezone.now()
    long_ago = Q(asked_at=None) | Q(asked_at__lt=now - _BETWEEN_LOOKS)
    return bool(TopUp.objects.filter(long_ago, pk=top_up.pk).update(asked_at=now))
