"""Converge what webhooks missed, and compare our top-ups with Stripe's payments.

Events can be lost or never be sent; Stripe's objects cannot. So open top-ups are converged every
five minutes, and every night all recent payments, refunds and disputes are compared.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from billing.errors import StripeRefused
from billing.models import OPEN_STATES, EntryKind, LedgerEntry, TopUp, TopUpState
from billing.stripe import checkout, convergence
from billing.stripe.payments import Outcome, Payment, judge

logger = logging.getLogger(__name__)

RECENT = timedelta(days=35)
# How long a change at Stripe may take to reach our ledger: by its event, or the next round.
GRACE_PERIOD = timedelta(minutes=10)
_PAGE_LIFE = timedelta(hours=24)  # how long a Checkout Session stays open


@dataclass(frozen=True)
class Difference:
    """A payment and a top-up that disagree."""

    session_id: str
    top_up_id: UUID | None
    what: str


@dataclass(frozen=True)
class Comparison:
    """The result of one comparison; `foreign` payments are another product's.

    `under_way` differ too, and are within the grace period.
    """

    at: datetime
    since: datetime
    payments: int
    foreign: int
    under_way: int
    differences: list[Difference]

    @property
    def is_ok(self) -> bool:
        """Whether each paid object has its one converged top-up."""
        return not self.differences


def converge_open() -> int:
    """Converge each top-up that can still change, the longest unconverged first; return how many.

    Raises StripeUnavailable at the first that fails with it: the rest would fail too.
    """
    _close_unopened()
    waiting = TopUp.objects.filter(state__in=OPEN_STATES, stripe_session_id__isnull=False)
    oldest_first = waiting.order_by(F("converged_at").asc(nulls_first=True))
    return _converge_each(oldest_first.values_list("id", flat=True))


def converge_recent(*, since: datetime) -> int:
    """Converge the top-ups that differ, and those refunded or disputed since; return how many."""
    found = compare(since=since, grace=timedelta(0)).differences
    differing = {one.top_up_id for one in found if one.top_up_id}
    intents = set(checkout.taken_back_since(since))
    taken_back = TopUp.objects.filter(stripe_payment_intent_id__in=intents)
    return _converge_each(differing.union(taken_back.values_list("id", flat=True)))


def compare(*, since: datetime, grace: timedelta = GRACE_PERIOD) -> Comparison:
    """Compare each paid session created since then with its top-up. Changes nothing.

    Where money has moved within `grace`, the event may be on its way: such differences are counted
    as `under_way`.
    """
    began = timezone.now()
    payments = list(checkout.paid_since(since))
    known = {
        top_up.stripe_session_id: top_up
        for top_up in TopUp.objects.filter(
            stripe_session_id__in=[payment.session_id for payment in payments]
        )
    }
    ours = [one for one in payments if one.is_marked or one.session_id in known]
    in_ledger = _credited_by_ledger(since)
    differing = {
        payment: difference
        for payment in ours
        if (difference := _difference(payment, known.get(payment.session_id), in_ledger))
    }
    under_way = {one for one in differing if _may_be_under_way(one, began - grace, known)}
    return Comparison(
        at=timezone.now(),
        since=since,
        payments=len(ours),
        foreign=len(payments) - len(ours),
        under_way=len(under_way),
        differences=[
            *(found for payment, found in differing.items() if payment not in under_way),
            *_credited_but_unpaid(since, known, began=began),
        ],
    )


def _may_be_under_way(payment: Payment, since: datetime, known: Mapping[str | None, TopUp]) -> bool:
    """Return whether waiting may help. Without a top-up it does not: the row is written first."""
    is_young = payment.changed_at is not None and payment.changed_at > since
    return is_young and payment.session_id in known


def _close_unopened() -> None:
    """Expire top-ups that never got a page: they cannot be paid, and need no more polling."""
    TopUp.objects.filter(
        state=TopUpState.PENDING,
        stripe_session_id=None,
        created_at__lt=timezone.now() - _PAGE_LIFE,
    ).update(state=TopUpState.EXPIRED, state_since=timezone.now())


def _converge_each(top_up_ids: Iterable[UUID]) -> int:
    count = 0
    for top_up_id in top_up_ids:
        try:
            convergence.converge(top_up_id=top_up_id)
        except StripeRefused as error:
            logger.error("top-up %s could not be converged: %s", top_up_id, error)
        else:
            count += 1
    return count


def _credited_by_ledger(since: datetime) -> Counter[str]:
    """Return the credits that the ledger has for each top-up's payment, by its id."""
    credited: Counter[str] = Counter()
    entries = LedgerEntry.objects.filter(kind=EntryKind.TOP_UP, created_at__gte=since)
    for reference, amount in entries.values_list("reference", "amount").iterator():
        credited[reference.partition(":")[0]] += amount
    return credited


def _difference(
    payment: Payment, top_up: TopUp | None, in_ledger: Counter[str]
) -> Difference | None:
    if top_up is None:
        return Difference(payment.session_id, None, "paid at Stripe, and there is no top-up")
    verdict = judge(convergence.expected_of(top_up), payment)
    if verdict.outcome is Outcome.NEEDS_REVIEW:
        return Difference(payment.session_id, top_up.id, verdict.review_reason)
    theirs = (verdict.outcome.value, verdict.credited, verdict.refunded, verdict.disputed)
    here = (str(top_up.state), top_up.credited, top_up.refunded, top_up.disputed)
    if theirs != here:
        what = f"state, credits in, refunded and disputed: {here} here, {theirs} by Stripe"
        return Difference(payment.session_id, top_up.id, what)
    if in_ledger[str(top_up.id)] != verdict.credited:
        what = f"{verdict.credited} credits paid, {in_ledger[str(top_up.id)]} in the ledger"
        return Difference(payment.session_id, top_up.id, what)
    return None


def _credited_but_unpaid(
    since: datetime, paid: Mapping[str | None, TopUp], *, began: datetime
) -> Iterator[Difference]:
    """Leave out credits since `began`: their payment may be newer than Stripe's response."""
    credited = TopUp.objects.filter(created_at__gte=since, credited__gt=0, converged_at__lt=began)
    for top_up in credited.exclude(stripe_session_id__in=[key for key in paid if key]):
        yield Difference(
            top_up.stripe_session_id or "", top_up.id, "credited here, and not paid at Stripe"
        )
