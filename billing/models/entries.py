"""The ledger. It is append-only: the database refuses UPDATE and DELETE."""

import uuid

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from billing.models.wallets import Wallet


class EntryKind(models.TextChoices):
    """Why credits moved."""

    TOP_UP = "top_up", "Top-up"
    USAGE = "usage"
    GRANT = "grant"
    REFUND = "refund"
    DISPUTE = "dispute"
    ADJUSTMENT = "adjustment"
    DEMO = "demo", "Demo"  # billing/ledger/demo.py


class LedgerEntry(models.Model):
    """One movement of credits. `reference` names its cause and makes posting it idempotent."""

    pk = models.CompositePrimaryKey("wallet_id", "seq")
    # Its index is the primary key's.
    wallet = models.ForeignKey(
        Wallet, on_delete=models.PROTECT, related_name="entries", db_index=False
    )
    seq = models.BigIntegerField()
    kind = models.CharField(max_length=16, choices=EntryKind.choices)
    amount = models.BigIntegerField()
    balance_after = models.BigIntegerField()
    reference = models.CharField(max_length=120)
    reason = models.CharField(max_length=200, blank=True, db_default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["wallet", "kind", "reference"], name="entry_reference_unique"
            ),
            models.CheckConstraint(condition=Q(kind__in=EntryKind.values), name="entry_kind_known"),
            models.CheckConstraint(condition=Q(seq__gte=1), name="entry_seq_positive"),
            models.CheckConstraint(
                condition=Q(balance_after__gte=0), name="entry_balance_not_negative"
            ),
            models.CheckConstraint(
                condition=~Q(kind=EntryKind.USAGE) | Q(amount__lte=0), name="entry_usage_takes"
            ),
        ]
        indexes = [BrinIndex(fields=["created_at"], name="entry_by_moment", autosummarize=True)]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount:+} on wallet {self.wallet_id}"

    @property
    def top_up_id(self) -> uuid.UUID | None:
        """The top-up that moved these credits: its references are "<id>:<number>"."""
        id, separator, number = self.reference.partition(":")
        try:
            return uuid.UUID(id) if separator and number.isdecimal() else None
        except ValueError:
            return None
