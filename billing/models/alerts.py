"""Alerts: what a workspace gets mail about, and whom each mail has reached."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Workspace


class AlertKind(models.TextChoices):
    """What a mail is about."""

    LOW_BALANCE = "low_balance"
    DAY_SPEND = "day_spend", "Spend of a day"
    KEY_HOUR = "key_hour", "Spend of a key"
    PAYMENT_FAILED = "payment_failed"
    REFUND = "refund"
    DISPUTE = "dispute"


class Alert(models.Model):
    """Something that happened once. `crossing` names it within its kind.

    `figures` are those of the moment; the mail and the page show them. An alert without mails goes
    on from one before it.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="alerts")
    kind = models.CharField(max_length=16, choices=AlertKind.choices)
    crossing = models.CharField(max_length=120)
    figures = models.JSONField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "kind", "crossing"], name="alert_once"),
            models.CheckConstraint(condition=Q(kind__in=AlertKind.values), name="alert_kind_known"),
        ]
        indexes = [models.Index(fields=["workspace", "-created_at"], name="alert_by_workspace")]

    def __str__(self) -> str:
        return f"{self.kind} {self.crossing} of workspace {self.workspace_id}"


class AlertMail(models.Model):
    """An alert's mail to one person: due until it is sent, or given up."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="mails")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    due_at = models.DateTimeField(db_default=Now())
    attempts = models.PositiveIntegerField(default=0, db_default=0)
    sent_at = models.DateTimeField(null=True)
    given_up_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["alert", "user"], name="alert_mail_once"),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                name="alert_mail_due",
                condition=Q(sent_at__isnull=True, given_up_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"mail {self.pk} of alert {self.alert_id}"
