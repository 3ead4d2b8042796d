"""Celery's entry points into billing."""

import logging
from contextlib import suppress
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from billing import outbox, retention
from billing.alerts import low_balance
from billing.alerts import retention as alerts_retention
from billing.audit import runs
from billing.errors import PaymentsNotConfigured, StripeUnavailable
from billing.ledger import demo, welcome
from billing.stripe import inbox, reconciliation

logger = logging.getLogger(__name__)


@shared_task(name="billing.tasks.audit_recent")
def audit_recent() -> None:
    """Audit what changed in the ledger since the last audit."""
    runs.run_recent()


@shared_task(name="billing.tasks.audit_full", time_limit=3_000)
def audit_full() -> None:
    """Audit the whole ledger."""
    runs.run_full()


@shared_task(name="billing.tasks.sweep_inbox")
def sweep_inbox() -> None:
    """Process the Stripe events whose dispatch was lost or whose last attempt failed."""
    inbox.sweep()


# The name is part of the queue's contract: web and worker processes of two versions share it.
@shared_task(name="billing.tasks.work_off_event")
def process_event(event_id: str) -> None:
    """Converge the top-up that one Stripe event is about; the sweep retries what fails."""
    with suppress(StripeUnavailable):
        inbox.process(event_id=event_id)


@shared_task(name="billing.tasks.converge_open_top_ups")
def converge_open_top_ups() -> None:
    """Converge the open top-ups, whose events may be lost."""
    try:
        reconciliation.converge_open()
    except StripeUnavailable as error:
        logger.warning("open top-ups are not converged, Stripe is unavailable: %s", error)


@shared_task(name="billing.tasks.converge_recent_top_ups", time_limit=3_000)
def converge_recent_top_ups() -> None:
    """Converge the top-ups that differ from Stripe's objects of the last 35 days."""
    since = timezone.now() - reconciliation.RECENT
    try:
        reconciliation.converge_recent(since=since)
        differences = reconciliation.compare(since=since).differences
    except PaymentsNotConfigured:
        return
    for one in differences:
        logger.error(
            "Stripe's %s and top-up %s differ: %s", one.session_id, one.top_up_id, one.what
        )


@shared_task(name="billing.tasks.delete_old_events")
def delete_old_events() -> None:
    """Delete the Stripe events that were processed long ago."""
    inbox.forget_old(kept=timedelta(days=settings.STRIPE_EVENTS_KEPT_DAYS))


@shared_task(name="billing.tasks.delete_old_holds")
def delete_old_holds() -> None:
    """Delete the holds that were closed long ago."""
    retention.delete_closed_holds(kept=timedelta(days=settings.HOLDS_KEPT_DAYS))


@shared_task(name="billing.tasks.delete_old_alerts")
def delete_old_alerts() -> None:
    """Delete the alerts that were sent long ago."""
    alerts_retention.forget_old(kept=timedelta(days=settings.ALERTS_KEPT_DAYS))


@shared_task(name="billing.tasks.watch_balances")
def watch_balances() -> None:
    """Send the low-balance mails, and those of failed payments, refunds and disputes."""
    low_balance.watch()
    outbox.send_due()


@shared_task(name="billing.tasks.fill_demo_wallet")
def fill_demo_wallet() -> None:
    """Fill the demo wallet up, once a day (UTC)."""
    if settings.DEMO_CREDITS_PER_DAY:
        demo.fill(credits=settings.DEMO_CREDITS_PER_DAY)


@shared_task(name="billing.tasks.forget_welcome_networks")
def forget_welcome_networks() -> None:
    """Delete the counts of welcome credits per network of the days before."""
    welcome.forget_networks()
