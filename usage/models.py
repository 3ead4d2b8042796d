"""Request records, and marks of hours to be rolled up. No prompt and no answer is ever stored."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from accounts.models import Workspace
from billing.models import Source
from catalogue.models import ModelPrice, Upstream
from keys.models import ApiKey


class Ending(models.TextChoices):
    """How a call ended; docs/adr/0006-what-each-ending-costs.md gives the cost of each."""

    COMPLETED = "completed"
    FAILED = "failed"  # before anything was delivered
    BROKE_OFF = "broke_off"  # after something was delivered
    CALLER_LEFT = "caller_left"
    SHUTDOWN = "shutdown"
    REVOKED = "revoked"  # its key, or its workspace was removed
    REFUSED = "refused"  # before any credits were held


class RequestRecord(models.Model):
    """One call: written in the transaction that settled it, or after it was refused.

    Of refused calls, `refusals` is how many this record stands for, if more than one. The table is
    partitioned by month of `accepted_at`; no foreign key refers to it.
    """

    pk = models.CompositePrimaryKey("workspace_id", "accepted_at", "id")
    id = models.UUIDField()
    workspace = models.ForeignKey(
        Workspace, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    accepted_at = models.DateTimeField()
    key = models.ForeignKey(
        ApiKey, on_delete=models.DO_NOTHING, db_constraint=False, null=True, related_name="+"
    )
    source = models.CharField(max_length=16, choices=Source.choices)
    requested_model = models.CharField(max_length=200)
    resolved_model = models.CharField(max_length=200)
    upstream = models.ForeignKey(
        Upstream, on_delete=models.DO_NOTHING, db_constraint=False, null=True, related_name="+"
    )
    price = models.ForeignKey(
        ModelPrice, on_delete=models.DO_NOTHING, db_constraint=False, null=True, related_name="+"
    )
    route = models.CharField(max_length=500, blank=True, default="")
    is_stream = models.BooleanField()
    status = models.PositiveSmallIntegerField()
    error_type = models.CharField(max_length=40, blank=True, default="")
    ending = models.CharField(max_length=24, choices=Ending.choices)
    stop_reason = models.CharField(max_length=40, blank=True, default="")
    input_tokens = models.BigIntegerField()
    output_tokens = models.BigIntegerField()
    cache_creation_input_tokens = models.BigIntegerField()
    cache_read_input_tokens = models.BigIntegerField()
    is_usage_estimated = models.BooleanField(default=False)
    credits = models.BigIntegerField()
    lost_credits = models.BigIntegerField(default=0)
    first_byte_ms = models.IntegerField(null=True)
    duration_ms = models.IntegerField()
    # usage.records describes the lines and attempts. Records of before these columns have NULL.
    lines = models.JSONField(null=True)
    cache_creation_1h_input_tokens = models.BigIntegerField(null=True)
    hold_amount = models.BigIntegerField(null=True)
    balance_after = models.BigIntegerField(null=True)
    attempts = models.JSONField(null=True)
    tags = ArrayField(models.TextField(), null=True)
    session_id = models.TextField(null=True)
    user_label = models.TextField(null=True)
    member_id = models.BigIntegerField(null=True)
    queue_ms = models.IntegerField(null=True)
    hold_ms = models.IntegerField(null=True)
    error_code = models.TextField(null=True)
    refusals = models.IntegerField(null=True)
    error_message = models.TextField(null=True)  # of refused calls

    class Meta:
        managed = False
        db_table = "usage_requestrecord"

    def __str__(self) -> str:
        return f"request {self.id}"

    @property
    def all_input_tokens(self) -> int:
        """All input, cached or not: the three classes are disjoint."""
        return self.input_tokens + self.cache_creation_input_tokens + self.cache_read_input_tokens


class RecordRetention(models.Model):
    """From when on records are kept; older ones are dropped, by whole months. One row, or none."""

    id = models.SmallIntegerField(primary_key=True)
    kept_since = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="record_retention_one_row")
        ]

    def __str__(self) -> str:
        return f"records since {self.kept_since:%Y-%m-%d}"


class SpendAlerts(models.Model):
    """What a workspace wants mails about: days and keys that spend much. Amounts are credits.

    `since` is when the lines were set: what ended before brings no mail. `checked_seq` is the last
    ledger entry whose call has been compared with them.
    """

    workspace = models.OneToOneField(
        Workspace, on_delete=models.CASCADE, related_name="spend_alerts"
    )
    day_line = models.PositiveBigIntegerField(null=True)
    time_zone = models.CharField(max_length=64)
    key_floor = models.PositiveBigIntegerField(null=True)
    since = models.DateTimeField()
    checked_seq = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(day_line__isnull=True) | models.Q(day_line__gt=0),
                name="spend_day_line_positive",
            ),
            models.CheckConstraint(
                condition=models.Q(key_floor__isnull=True) | models.Q(key_floor__gt=0),
                name="spend_key_floor_positive",
            ),
        ]

    def __str__(self) -> str:
        return f"spend alerts of workspace {self.workspace_id}"


class DirtyHour(models.Model):
    """An hour whose roll-ups are behind its records.

    Append-only marks, written with each settlement and deleted by the roll-up. A mark is committed
    together with its records, so the roll-up misses no record, however late it is written.
    """

    workspace = models.ForeignKey(
        Workspace, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    starts_at = models.DateTimeField()
    marked_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["workspace", "starts_at"], name="dirty_hour")]

    def __str__(self) -> str:
        return f"{self.starts_at:%Y-%m-%d %H}h of workspace {self.workspace_id}"


class UncheckedHour(models.Model):
    """An hour that was rolled up, at `rolled_at`, and that no audit has compared with its records
    since then."""

    pk = models.CompositePrimaryKey("workspace_id", "starts_at")
    workspace = models.ForeignKey(
        Workspace,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,  # the primary key begins with it
        related_name="+",
    )
    starts_at = models.DateTimeField()
    rolled_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["rolled_at"], name="unchecked_hour")]

    def __str__(self) -> str:
        return f"{self.starts_at:%Y-%m-%d %H}h of workspace {self.workspace_id}"
