"""The results of audits."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Workspace


class AuditKind(models.TextChoices):
    """The rows that an audit checks: all, or those written since the audit before."""

    FULL = "full"
    RECENT = "recent"


class AuditRun(models.Model):
    """The result of one audit. The next recent one checks all rows from `covered_until` on."""

    kind = models.CharField(max_length=16, choices=AuditKind.choices)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(db_default=Now())
    covered_from = models.DateTimeField(null=True)  # none: from the beginning
    covered_until = models.DateTimeField()
    is_ok = models.BooleanField()
    wallets = models.BigIntegerField()
    entries = models.BigIntegerField()
    holds = models.BigIntegerField()
    records = models.BigIntegerField()
    findings = models.JSONField(default=list)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=AuditKind.values), name="audit_run_kind_known"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} audit of {self.started_at:%Y-%m-%d %H:%M}"


class UsageDifference(models.Model):
    """An hour or a day (UTC) whose sums on the usage page are not those of its calls: what the page
    shows, less what is right. The row is deleted once they are."""

    workspace = models.ForeignKey(
        Workspace, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    since = models.DateTimeField()
    until = models.DateTimeField()
    requests = models.BigIntegerField()
    errors = models.BigIntegerField()
    tokens = models.BigIntegerField()
    credits = models.BigIntegerField()
    found_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["since", "-until"]
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "since", "until"], name="usage_difference_once"
            )
        ]

    def __str__(self) -> str:
        return f"usage of {self.since:%Y-%m-%d %H:%M} is {self.credits:+} credits off"
