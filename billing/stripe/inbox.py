"""Stripe's events: taken in by the webhook, worked off by Celery.

An event is a hint that something changed. It is claimed by moving its next try into the future, so
that a process that is killed over it leaves it to be tried again.
"""

import logging
from datetime import timedelta
from uuid import UUID

import msgspec
from django.db import connection
from django.db.models import F
from django.utils import timezone

from billing.errors import BadWebhook, BillingError, StripeUnavailable
from billing.models import StripeEvent, TopUp
from billing.stripe import checkout, convergence

logger = logging.getLogger(__name__)

_FIRST_RETRY = timedelta(seconds=30)
_LAST_RETRY = timedelta(hours=1)
_WORRYING_ATTEMPTS = 8
_AT_A_TIME = 200
_KEPT = timedelta(days=35)
_STORE = """
INSERT INTO billing_stripeevent (id, type, object_id, payment_intent_id, client_reference_id)
VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING id"""


class _Object(msgspec.Struct):
    id: str = ""
    payment_intent: str | None = None
    client_reference_id: str | None = None


class _Data(msgspec.Struct):
    object: _Object


class Event(msgspec.Struct):
    """What we read of an event. The API version it was rendered in does not matter to names."""

    id: str
    type: str
    livemode: bool
    data: _Data


# What can change a top-up. docs/configuration.md asks to subscribe the endpoint to these.
WATCHED = frozenset(
    {
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
        "checkout.session.expired",
        "refund.created",
        "refund.updated",
        "refund.failed",
        "charge.refunded",
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
    }
)


def take_in(body: bytes, *, is_live: bool) -> str | None:
    """Store a verified event; return its id if it is news.

    A second delivery is none, nor is an event that cannot concern a top-up. Raises BadWebhook for
    what is no event, or one of the other mode.
    """
    try:
        event = msgspec.json.decode(body, type=Event)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadWebhook("the body is no event") from error
    if event.livemode != is_live:
        raise BadWebhook("the event is of the other mode")
    return event.id if event.type in WATCHED and _is_news(event) else None


def _is_news(event: Event) -> bool:
    """Store an event in one round trip, where Django's own way takes five: Stripe is waiting."""
    named = event.data.object
    values = (event.id, event.type, named.id, named.payment_intent, named.client_reference_id)
    with connection.cursor() as cursor:
        cursor.execute(_STORE, [value or "" for value in values])
        return cursor.fetchone() is not None


def due() -> list[str]:
    """Return the events that wait to be worked off, the longest waiting first."""
    waiting = StripeEvent.objects.filter(processed_at=None, due_at__lte=timezone.now())
    return list(waiting.order_by("due_at").values_list("id", flat=True)[:_AT_A_TIME])


def sweep() -> None:
    """Work off what waits, until Stripe does not answer: then the rest would wait in vain."""
    for event_id in due():
        try:
            work_off(event_id=event_id)
        except StripeUnavailable:
            return


def work_off(*, event_id: str) -> None:
    """Converge the top-up that an event is about; nothing if there is none, or it was done.

    What Stripe refuses to answer is tried again later, and longer and longer later. Raises
    StripeUnavailable, which is tried again likewise.
    """
    event = _claim(event_id)
    if event is None:
        return
    try:
        top_up_id = _top_up_of(event)
        if top_up_id is not None:
            convergence.converge(top_up_id=top_up_id)
    except StripeUnavailable as error:
        _put_off(event, error)
        raise
    except BillingError as error:
        _put_off(event, error)
        return
    StripeEvent.objects.filter(pk=event.pk).update(
        processed_at=timezone.now(), top_up_id=top_up_id, error=""
    )


def forget_old() -> int:
    """Delete events that were done with before Stripe's own memory of them ends."""
    old = StripeEvent.objects.filter(processed_at__lt=timezone.now() - _KEPT)
    return old.delete()[0]


def _claim(event_id: str) -> StripeEvent | None:
    """Take the event, unless another process just has; its next try waits twice as long."""
    now = timezone.now()
    event = StripeEvent.objects.filter(pk=event_id, processed_at=None, due_at__lte=now).first()
    if event is None:
        return None
    wait = min(_FIRST_RETRY * 2 ** min(event.attempts, 20), _LAST_RETRY)
    is_ours = StripeEvent.objects.filter(
        pk=event_id, processed_at=None, attempts=event.attempts
    ).update(attempts=F("attempts") + 1, due_at=now + wait)
    return event if is_ours else None


def _put_off(event: StripeEvent, error: BillingError) -> None:
    StripeEvent.objects.filter(pk=event.pk).update(error=f"{type(error).__name__}: {error}"[:500])
    level = logging.ERROR if event.attempts >= _WORRYING_ATTEMPTS else logging.WARNING
    logger.log(level, "event %s (%s) is put off: %s", event.pk, event.type, error)


def _top_up_of(event: StripeEvent) -> UUID | None:
    if event.type.startswith("checkout.session."):
        return _of_session(event.object_id, event.client_reference_id)
    intent_id = event.payment_intent_id
    if not intent_id:
        return None
    known = TopUp.objects.filter(stripe_payment_intent_id=intent_id).values_list("id", flat=True)
    # A refund's event can overtake that of the payment, from which we learn the intent.
    return known.first() or _of_intent(intent_id)


def _of_intent(intent_id: str) -> UUID | None:
    session = checkout.session_of_intent(intent_id)
    return _of_session(session.id, session.client_reference_id or "") if session else None


def _of_session(session_id: str, reference: str) -> UUID | None:
    """Find by the session we made, else by our own id in it, should we have died before noting it.

    That the reference is right is for `judge` to find out.
    """
    known = TopUp.objects.filter(stripe_session_id=session_id).values_list("id", flat=True).first()
    if known:
        return known
    try:
        ours = TopUp.objects.filter(pk=UUID(reference), stripe_session_id=None)
    except ValueError:
        return None
    return UUID(reference) if ours.update(stripe_session_id=session_id) else None
