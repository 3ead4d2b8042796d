"""Delete old alerts with their mails: what was sent long ago.

An alert's name keeps its mail from being sent twice, so it stays as long as its cause can be found
again. Days and hours are looked at for a week, and movements of credits once. A failed payment is
found whenever its top-up is converged, so its alert stays as long as the top-up.
"""

from datetime import timedelta

from django.db.models import Exists, OuterRef
from django.utils import timezone

from billing.models import Alert, AlertKind, AlertMail


def forget_old(*, kept: timedelta, batch: int = 1_000) -> int:
    """Delete the alerts older than `kept`, a batch at a time; return how many.

    One with a mail that is still due stays.
    """
    due = AlertMail.objects.filter(alert=OuterRef("pk"), sent_at=None, given_up_at=None)
    old = Alert.objects.filter(~Exists(due), created_at__lt=timezone.now() - kept).exclude(
        kind=AlertKind.PAYMENT_FAILED
    )
    deleted = 0
    while some := list(old.values_list("pk", flat=True)[:batch]):
        Alert.objects.filter(pk__in=some).delete()
        deleted += len(some)
    return deleted
