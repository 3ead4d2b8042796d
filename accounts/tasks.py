"""Celery tasks of accounts."""

from celery import shared_task

from accounts import retention


@shared_task(name="accounts.tasks.delete_expired_sessions")
def delete_expired_sessions() -> None:
    """Delete the sessions that have expired."""
    retention.delete_expired_sessions()
