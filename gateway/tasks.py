"""Celery tasks of the gateway."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings

from gateway.metering import aside_files


@shared_task(name="gateway.tasks.delete_old_aside_files")
def delete_old_aside_files() -> None:
    """Delete this machine's old files of journal lines that could not be applied."""
    kept = timedelta(days=settings.ASIDE_FILES_KEPT_DAYS)
    aside_files.delete_old(settings.DATA_DIR / "journal", kept=kept)
