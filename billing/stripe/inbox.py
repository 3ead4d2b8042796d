"""Stripe's events: received by the webhook, processed by Celery.

An event only announces a change. It is claimed by moving its next attempt into the future, so that
an event whose handler is killed is retried.
"""

import logging
from datetime import timedelta
from uuid import UUID

import msgspec
from django.db import DataError, connection
from django.db.models import F
from django.utils import timezone

from billing.errors import BadWebhook, BillingError, StripeUnavailable
from billing.models import StripeEvent, TopUp
from billing.stripe import checkout, convergence

logger = logging.getLogger(__name__)

_FIRST_RETRY = timedelta(seconds=30)
_LAST_RETRY = timedelta(hours=1)
_ERROR_FROM_ATTEMPT = 8
_BATCH = 200
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
    """The fields we read of an event. They are the same in every API version it may come in."""

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


def receive(body: bytes, *, is_live: bool) -> str | None:
    """Store a verified event; return its id if it is new and can concern a top-up.

    An event that the inbox cannot hold is set aside: it is logged and acknowledged, because Stripe
    would send it for three days otherwise. The reconciliation finds what it was about. Raises
    BadWebhook if the body is not an event, or an event of the other mode.
    """
    try:
        event = msgspec.json.decode(body, type=Event)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadWebhook("the body is not an event") from error
    if event.livemode != is_live:
        raise BadWebhook("the event is of the other mode")
    if event.type not in WATCHED:
        return None
    try:
        return event.id if _store(event) else None
    except DataError as error:  # a NUL, or longer than any id of Stripe's
        logger.error("event %.80r of type %s is set aside: %s", event.id, event.type, error)
        return None


def _store(event: Event) -> bool:
    """Insert the event; return whether it is new.

    One round trip, where Django's `get_or_create` takes five: Stripe is waiting.
    """
    about = event.data.object
    values = (event.id, event.type, about.id, about.payment_intent, about.client_reference_id)
    with connection.cursor() as cursor:
        cursor.execute(_STORE, [value or "" for value in values])
        return cursor.fetchone() is not None


def due() -> list[str]:
    """Return the events that are due for processing, the longest due first."""
    waiting = StripeEvent.objects.filter(processed_at=None, due_at__lte=timezone.now())
    return list(waiting.order_by("due_at").values_list("id", flat=True)[:_BATCH])


def sweep() -> None:
    """Process the events that are due; stop when Stripe is unavailable: the rest would fail too."""
    for event_id in due():
        try:
            process(event_id=event_id)
        except StripeUnavailable:
            return


def process(*, event_id: str) -> None:
    """Converge the top-up that an event is about, if there is one and nobody has done so yet.

    Failures are retried with exponential backoff. Raises StripeUnavailable, for callers that would
    go on to the next event.
    """
    event = _claim(event_id)
    if event is None:
        return
    try:
        top_up_id = _top_up_of(event)
        if top_up_id is not None:
            convergence.converge(top_up_id=top_up_id)
    except StripeUnavailable as error:
        _schedule_retry(event, error)
        raise
    except BillingError as error:
        _schedule_retry(event, error)
        return
    StripeEvent.objects.filter(pk=event.pk).update(
        processed_at=timezone.now(), top_up_id=top_up_id, error=""
    )


def forget_old(*, kept: timedelta, batch: int = 1_000) -> int:
    """Delete events that were processed longer ago than `kept`, a batch at a time."""
    old = StripeEvent.objects.filter(processed_at__lt=timezone.now() - kept)
    deleted = 0
    while some := list(old.values_list("pk", flat=True)[:batch]):
        deleted += StripeEvent.objects.filter(pk__in=some).delete()[0]
    return deleted


def _claim(event_id: str) -> StripeEvent | None:
    """Claim the event, unless another process just has; its next attempt waits twice as long."""
    now = timezone.now()
    event = StripeEvent.objects.filter(pk=event_id, processed_at=None, due_at__lte=now).first()
    if event is None:
        return None
    wait = min(_FIRST_RETRY * 2 ** min(event.attempts, 20), _LAST_RETRY)
    is_ours = StripeEvent.objects.filter(
        pk=event_id, processed_at=None, attempts=event.attempts
    ).update(attempts=F("attempts") + 1, due_at=now + wait)
    return event if is_ours else None


def _schedule_retry(event: StripeEvent, error: BillingError) -> None:
    StripeEvent.objects.filter(pk=event.pk).update(error=f"{type(error).__name__}: {error}"[:500])
    level = logging.ERROR if event.attempts >= _ERROR_FROM_ATTEMPT else logging.WARNING
    logger.log(level, "event %s (%s): retry scheduled: %s", event.pk, event.type, error)


def _top_up_of(event: StripeEvent) -> UUID | None:
    if event.type.startswith("checkout.session."):
        return _of_session(event.object_id, event.client_reference_id)
    intent_id = event.payment_intent_id
    if not intent_id:
        return None
    known = TopUp.objects.filter(stripe_payment_intent_id=intent_id).values_list("id", flat=True)
    # A refund's event can arrive before the payment's, which brings us the intent's id.
    return known.first() or _of_intent(intent_id)


def _of_intent(intent_id: str) -> UUID | None:
    session = checkout.session_of_intent(intent_id)
    return _of_session(session.id, session.client_reference_id or "") if session else None


def _of_session(session_id: str, reference: str) -> UUID | None:
    """Find the top-up by its session, or by our id in the session if we crashed before saving it.

    `judge` checks that the reference is right.
    """
    known = TopUp.objects.filter(stripe_session_id=session_id).values_list("id", flat=True).first()
    if known:
        return known
    try:
        ours = TopUp.objects.filter(pk=UUID(reference), stripe_session_id=None)
    except ValueError:
        return None
    return UUID(reference) if ours.update(stripe_session_id=session_id) else None
