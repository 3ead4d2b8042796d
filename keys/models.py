"""API keys. A token itself is stored nowhere: only its SHA-256."""

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from accounts.models import Workspace


class KeyStatus(models.TextChoices):
    """A key's status at a moment; calls are accepted only with an active one."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


class ApiKey(models.Model):
    """A workspace's credential for /v1. After its creation only `hint` can be shown."""

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

    # The form that created it: sending a form again cannot make a second key.
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
        """Return the status at `now`; a revoked key stays revoked after it expires."""
        if self.revoked_at is not None:
            return KeyStatus.REVOKED
        if self.expires_at is not None and self.expires_at <= now:
            return KeyStatus.EXPIRED
        return KeyStatus.ACTIVE
