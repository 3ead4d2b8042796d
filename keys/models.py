"""API keys and their budgets. A token itself is stored nowhere: only its SHA-256."""

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Workspace


class KeyStatus(models.TextChoices):
    """What a key is at a moment; only an active one opens anything."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


class ApiKey(models.Model):
    """A workspace's credential for /v1. `hint` is all that can be shown after the first time."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=80)
    digest = models.BinaryField(max_length=32, unique=True)
    hint = models.CharField(max_length=24)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    # Empty: every model. Otherwise the public ids this key may call.
    allowed_models = ArrayField(models.CharField(max_length=200), default=list, blank=True)

    # The form it was created with, so that sending a form again cannot make a second key.
    form_id = models.UUIDField(null=True, blank=True)

    class Meta:
        verbose_name = "API key"
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["workspace", "-created_at"], name="key_by_workspace")]
        constraints = [
            models.UniqueConstraint(fields=["workspace", "form_id"], name="key_form_unique")
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.hint})"

    def status(self, *, now: datetime) -> KeyStatus:
        """Return what the key is at `now`; a revoked key stays revoked after it expires."""
        if self.revoked_at is not None:
            return KeyStatus.REVOKED
        if self.expires_at is not None and self.expires_at <= now:
            return KeyStatus.EXPIRED
        return KeyStatus.ACTIVE


class Period(models.TextChoices):
    """What a budget renews by, in UTC."""

    DAY = "day"
    MONTH = "month"


class KeyBudget(models.Model):
    """A key's spending limit in one period, in credits; spent + held never passes it."""

    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="budgets")
    period = models.CharField(max_length=8, choices=Period.choices)
    starts_on = models.DateField()
    limit = models.BigIntegerField()
    spent = models.BigIntegerField(default=0, db_default=0)
    held = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key", "period", "starts_on"], name="budget_unique"),
            models.CheckConstraint(condition=Q(limit__gte=0), name="budget_limit_not_negative"),
            models.CheckConstraint(condition=Q(spent__gte=0), name="budget_spent_not_negative"),
            models.CheckConstraint(condition=Q(held__gte=0), name="budget_held_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.limit} credits a {self.period} for key {self.key_id}"
