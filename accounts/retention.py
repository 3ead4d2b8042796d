"""Delete expired sessions. `clearsessions` of Django does it in one statement of any size."""

from django.contrib.sessions.models import Session
from django.utils import timezone


def delete_expired_sessions(*, batch: int = 1_000) -> int:
    """Delete the sessions that have expired, a batch at a time; return how many."""
    expired = Session.objects.filter(expire_date__lt=timezone.now())
    deleted = 0
    while some := list(expired.values_list("pk", flat=True)[:batch]):
        deleted += Session.objects.filter(pk__in=some).delete()[0]
    return deleted
