"""Celery tasks of usage."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings

from billing import outbox
from usage import losses, partitions, retention
from usage import roll_up as rolling
from usage.alerts import spend


@shared_task(name="usage.tasks.roll_up")
def roll_up() -> None:
    """Bring the roll-ups up to date, and stop workspaces whose losses they show."""
    changed = losses.with_new_records()
    rolling.roll_up()
    losses.stop(changed)


@shared_task(name="usage.tasks.ensure_partitions")
def ensure_partitions() -> None:
    """Create the partitions of this month and the coming ones."""
    partitions.ensure()


@shared_task(name="usage.tasks.drop_old_months")
def drop_old_months() -> None:
    """Drop the months of request records that are older than the setting says."""
    retention.drop_old_months(kept=timedelta(days=settings.RECORDS_KEPT_DAYS))


@shared_task(name="usage.tasks.watch_spend")
def watch_spend() -> None:
    """Send the mails about days and keys that have spent much."""
    spend.watch()
    outbox.send_due()
