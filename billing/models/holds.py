"""Holds: what running calls may cost."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from billing.models.wallets import Pool, Wallet


class HoldState(models.TextChoices):
    """Held while the call runs; then settled (charged) or voided (not charged)."""

    HELD = "open"  # the stored words of HELD and VOIDED are older than their names
    SETTLED = "settled"
    VOIDED = "void"


class Source(models.TextChoices):
    """Where a call came from."""

    API = "api"
    CONSOLE = "console"


class Hold(models.Model):
    """Credits set aside for one call; its id is the request's id.

    `key_id` has no foreign key: keys stand above billing. It is null for the console. `owner` is
    the process that made the hold, by the advisory lock it keeps while it lives. `accepted_at` is
    the request record's, and finds the record; the other times are the database's.
    """

    pk = models.CompositePrimaryKey("wallet_id", "id")
    # The primary key begins with it. With an index of its own, PostgreSQL would read all of a
    # wallet's holds to find one while the table is small. Its constraint is `hold_wallet_and_pool`;
    # Django's own would be a second check of every hold.
    wallet = models.ForeignKey(
        Wallet,
        on_delete=models.PROTECT,
        related_name="holds",
        db_index=False,
        db_constraint=False,
    )
    pool = models.CharField(max_length=16, default=Pool.API, db_default=Pool.API)
    id = models.UUIDField()
    key_id = models.BigIntegerField(null=True)
    source = models.CharField(max_length=16, choices=Source.choices)
    amount = models.BigIntegerField()
    actual = models.BigIntegerField(null=True)
    state = models.CharField(
        max_length=16, choices=HoldState.choices, default=HoldState.HELD, db_default=HoldState.HELD
    )
    owner = models.BigIntegerField()
    accepted_at = models.DateTimeField()
    opened_at = models.DateTimeField(db_default=Now())
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            # API traffic cannot touch another pool: the database refuses its holds.
            models.CheckConstraint(condition=Q(pool=Pool.API), name="hold_pool_is_api"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="hold_amount_not_negative"),
            models.CheckConstraint(condition=Q(source__in=Source.values), name="hold_source_known"),
            models.CheckConstraint(
                condition=Q(state=HoldState.HELD, actual__isnull=True, closed_at__isnull=True)
                | Q(state=HoldState.VOIDED, actual__isnull=True, closed_at__isnull=False)
                | Q(
                    state=HoldState.SETTLED,
                    actual__isnull=False,  # NULL >= 0 is unknown, and a CHECK lets that pass
                    actual__gte=0,
                    actual__lte=F("amount"),
                    closed_at__isnull=False,
                ),
                name="hold_state_consistent",
            ),
        ]
        indexes = [
            models.Index(
                fields=["owner"], name="hold_open_by_owner", condition=Q(state=HoldState.HELD)
            ),
            models.Index(
                fields=["wallet"], name="hold_open_by_wallet", condition=Q(state=HoldState.HELD)
            ),
            BrinIndex(fields=["closed_at"], name="hold_by_moment", autosummarize=True),
        ]

    def __str__(self) -> str:
        return f"{self.state} hold of {self.amount} on wallet {self.wallet_id}"


class HoldRetention(models.Model):
    """How far closed holds have been deleted; there is one row.

    From `cutoff` on every usage entry and request record has its hold, and the audit expects it.
    Holds closed before `deleted_until` are deleted.
    """

    cutoff = models.DateTimeField()
    deleted_until = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="hold_retention_single_row"),
            models.CheckConstraint(
                condition=Q(deleted_until__lte=F("cutoff")), name="hold_retention_within_cutoff"
            ),
        ]

    def __str__(self) -> str:
        return f"holds closed before {self.deleted_until:%Y-%m-%d %H:%M} are deleted"
