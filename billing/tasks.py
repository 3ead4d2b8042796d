"""Celery's entry points into billing."""

import logging
from contextlib import suppress

from celery import shared_task
from django.utils import timezone

from billing.alerts import low_balance
from billing.audit import runs
from billing.errors import PaymentsNotConfigured, StripeUnavailable
from billing.stripe import inbox, reconciliation

logger = logging.getLogger(__name__)


@shared_task(name="billing.tasks.audit_recent")
def audit_recent() -> None:
    """Check what changed in the books lately."""
    runs.run_recent()


@shared_task(name="billing.tasks.audit_full", time_limit=3_000)
def audit_full() -> None:
    """Check the books from their beginning on."""
    runs.run_full()


@shared_task(name="billing.tasks.sweep_inbox")
def sweep_inbox() -> None:
    """Work off the Stripe events whose hint was lost, or whose first try came to nothing."""
    inbox.sweep()


@shared_task(name="billing.tasks.work_off_event")
def work_off_event(event_id: str) -> None:
    """Converge the top-up that one Stripe event is about; what fails is the sweep's."""
    with suppress(StripeUnavailable):
        inbox.work_off(event_id=event_id)


@shared_task(name="billing.tasks.converge_open_top_ups")
def converge_open_top_ups() -> None:
    """Heal the open top-ups whose events were lost."""
    try:
        reconciliation.converge_open()
    except StripeUnavailable as error:
        logger.warning("open top-ups wait for Stripe: %s", error)


@shared_task(name="billing.tasks.converge_recent_top_ups", time_limit=3_000)
def converge_recent_top_ups() -> None:
    """Heal what 35 days of Stripe's objects tell otherwise than our books."""
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
    inbox.forget_old()


@shared_task(name="billing.tasks.watch_balances")
def watch_balances() -> None:
    """Mail the people whose balance has fallen below their line."""
    low_balance.watch()
