"""Celery tasks of usage."""

from celery import shared_task

from usage import partitions
from usage import roll_up as rolling


@shared_task(name="usage.tasks.roll_up")
def roll_up() -> None:
    """Bring the hourly roll-ups up to date."""
    rolling.roll_up()


@shared_task(name="usage.tasks.ensure_partitions")
def ensure_partitions() -> None:
    """Create the partitions of this month and the coming ones."""
    partitions.ensure()
