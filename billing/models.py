"""The money tables. Amounts are whole credits; 1 credit is 1/100,000 US dollar.

A wallet's `posted` is the sum of its ledger entries, `held` the sum of its open holds; what can be
spent is `posted - held`. The ledger is append-only: the database refuses UPDATE and DELETE.
"""

import uuid

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import Workspace

# One cent: below it the balance in the top bar turns amber, unless the workspace set a threshold.
LOW_BALANCE_CREDITS = 1_000


class Pool(models.TextChoices):
    """Credits that are never mixed: API traffic spends `api` alone."""

    API = "api"
    SUBSCRIPTION = "subscription"


class BalanceLevel(models.TextChoices):
    """A balance in a word; the word is empty while there is nothing to say."""

    GOOD = "good", ""
    LOW = "low", "Running low"
    EMPTY = "empty", "Empty"
    OVERDRAWN = "overdrawn", "Overdrawn"


class Wallet(models.Model):
    """A workspace's balance in one pool; the only mutable money row."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="wallets")
    pool = models.CharField(max_length=16, choices=Pool.choices)
    posted = models.BigIntegerField(default=0, db_default=0)
    held = models.BigIntegerField(default=0, db_default=0)
    owed = models.BigIntegerField(default=0, db_default=0)
    seq = models.BigIntegerField(default=0, db_default=0)
    frozen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "pool"], name="wallet_unique"),
            # The target of Hold's foreign key by (wallet, pool).
            models.UniqueConstraint(fields=["id", "pool"], name="wallet_id_pool_unique"),
            models.CheckConstraint(condition=Q(pool__in=Pool.values), name="wallet_pool_known"),
            models.CheckConstraint(condition=Q(held__gte=0), name="wallet_held_not_negative"),
            models.CheckConstraint(condition=Q(posted__gte=F("held")), name="wallet_covers_holds"),
            models.CheckConstraint(condition=Q(owed__gte=0), name="wallet_owed_not_negative"),
            models.CheckConstraint(condition=Q(seq__gte=0), name="wallet_seq_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.pool} wallet of workspace {self.workspace_id}"

    @property
    def available(self) -> int:
        """Credits that can be spent now."""
        return self.posted - self.held

    @property
    def level(self) -> BalanceLevel:
        """How the balance stands, by the workspace's own threshold, else by ours.

        Running calls do not count: most of what they hold is released.
        """
        own: LowBalanceThreshold | None = getattr(self, "low_balance_threshold", None)
        if self.owed:
            return BalanceLevel.OVERDRAWN
        if not self.posted:
            return BalanceLevel.EMPTY
        is_low = self.posted < (own.credits if own else LOW_BALANCE_CREDITS)
        return BalanceLevel.LOW if is_low else BalanceLevel.GOOD


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


class WelcomeCredits(models.Model):
    """A person and a wallet that got their welcome credits; kept when the account is deleted.

    `person` is a keyed digest of the normalised address. `is_extra` marks what a wallet got beyond
    its first, in the time when a change of address earned again.
    """

    person = models.BinaryField(primary_key=True, max_length=32)
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="+")
    is_extra = models.BooleanField(default=False, db_default=False)
    granted_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["wallet"], condition=Q(is_extra=False), name="welcome_once_per_wallet"
            )
        ]

    def __str__(self) -> str:
        return f"welcome credits of wallet {self.wallet_id}"


class WelcomeNetwork(models.Model):
    """How many newcomers of a network got welcome credits on a day; a keyed digest names it."""

    pk = models.CompositePrimaryKey("network", "day")
    network = models.BinaryField(max_length=32)
    day = models.DateField()
    granted = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.granted} on {self.day}"


class WelcomeGrant(models.Model):
    """The release before kept a plain SHA-256 of the address here; the next one drops the table.

    Its processes still write here while the new ones start, so it is still read.
    """

    email_digest = models.BinaryField(primary_key=True, max_length=32)
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="+")
    granted_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"welcome grant to wallet {self.wallet_id}"


class DemoWallet(models.Model):
    """The wallet that pays for visitors' runs on the landing page; there is one row at most.

    Its workspace has no members: nobody can sign in to it, and no key of it can be made.
    """

    wallet = models.OneToOneField(Wallet, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="demo_wallet_single_row")]

    def __str__(self) -> str:
        return f"demo wallet {self.wallet_id}"


class StripeCustomer(models.Model):
    """A workspace's customer at Stripe: one in test mode, one in live mode."""

    workspace = models.ForeignKey(
        Workspace, on_delete=models.PROTECT, related_name="stripe_customers"
    )
    is_live = models.BooleanField()
    stripe_id = models.CharField(max_length=255)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "is_live"], name="stripe_customer_unique")
        ]

    def __str__(self) -> str:
        return f"{self.stripe_id} for workspace {self.workspace_id}"


class TopUpState(models.TextChoices):
    """The state of a payment; refunds and disputes have columns of their own."""

    PENDING = "pending"
    PROCESSING = "processing"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    NEEDS_REVIEW = "parked", "Needs review"  # the stored word is older than the name


OPEN_STATES = (TopUpState.PENDING, TopUpState.PROCESSING)


class TopUp(models.Model):
    """A purchase of credits, written before the Checkout Session is made.

    Its id is Stripe's idempotency key and `client_reference_id`. `credited`, `refunded` and
    `disputed` are the totals posted so far, in credits, with `posting_count` postings.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="top_ups")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    amount_cents = models.PositiveBigIntegerField()
    currency = models.CharField(max_length=3, default="usd")
    credits = models.PositiveBigIntegerField()
    state = models.CharField(max_length=16, choices=TopUpState.choices, default=TopUpState.PENDING)
    review_reason = models.CharField(
        max_length=200, blank=True, default="", db_column="parked_because"
    )
    stripe_customer_id = models.CharField(max_length=255, blank=True, default="")
    stripe_session_id = models.CharField(max_length=255, unique=True, null=True)
    stripe_payment_intent_id = models.CharField(max_length=255, unique=True, null=True)
    receipt_url = models.CharField(max_length=500, blank=True, default="")
    posting_count = models.PositiveIntegerField(default=0, db_column="steps")
    credited = models.PositiveBigIntegerField(default=0)
    refunded = models.PositiveBigIntegerField(default=0)
    disputed = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())
    # When the person closed the payment page; only a top-up that expired was cancelled by it.
    cancelled_at = models.DateTimeField(null=True)
    # When a page last asked Stripe, answered or not; when Stripe's answer was last applied.
    asked_at = models.DateTimeField(null=True)
    converged_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "top-up"
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["wallet", "-created_at"], name="top_up_by_wallet"),
            models.Index(
                fields=["created_at"],
                name="top_up_open",
                condition=Q(state__in=["pending", "processing"]),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=TopUpState.values), name="top_up_state_known"
            ),
            models.CheckConstraint(condition=Q(amount_cents__gt=0), name="top_up_amount_positive"),
            models.CheckConstraint(
                condition=Q(credited__gte=F("refunded") + F("disputed")),
                name="top_up_takes_back_no_more_than_credited",
            ),
        ]

    def __str__(self) -> str:
        return f"top-up {self.id} ({self.state})"

    @property
    def is_open(self) -> bool:
        """Whether the payment can still succeed or fail."""
        return self.state in OPEN_STATES

    @property
    def needs_review(self) -> bool:
        """Whether a person has to compare the payment with the purchase."""
        return self.state == TopUpState.NEEDS_REVIEW

    @property
    def status(self) -> str:
        """The word in the history: the state, or a refund or dispute of a paid top-up."""
        if self.needs_review:
            return "in review"
        if self.state == TopUpState.EXPIRED and self.cancelled_at:
            return "cancelled"
        if self.state != TopUpState.PAID:
            return self.state
        if self.disputed:
            return "disputed"
        if self.refunded:
            return "refunded" if self.refunded == self.credited else "partly refunded"
        return self.state


class StripeEvent(models.Model):
    """The webhook's inbox: written once per event, processed by Celery.

    Only ids are kept. An event announces that an object changed; its current state is fetched from
    Stripe, and we have no use for names and cards.
    """

    id = models.CharField(primary_key=True, max_length=255)
    type = models.CharField(max_length=100)
    object_id = models.CharField(max_length=255, blank=True, default="")
    payment_intent_id = models.CharField(max_length=255, blank=True, default="")
    client_reference_id = models.CharField(max_length=200, blank=True, default="")
    top_up = models.ForeignKey(TopUp, on_delete=models.PROTECT, null=True, related_name="events")
    received_at = models.DateTimeField(db_default=Now())
    # Claiming an event moves this into the future: to the next attempt, if this one fails.
    due_at = models.DateTimeField(db_default=Now())
    processed_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0, db_default=0)
    error = models.TextField(blank=True, default="", db_default="")

    class Meta:
        indexes = [
            models.Index(
                fields=["due_at"], name="stripe_event_due", condition=Q(processed_at__isnull=True)
            ),
            models.Index(
                fields=["processed_at"],
                name="stripe_event_done",
                condition=Q(processed_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class LowBalanceThreshold(models.Model):
    """The balance below which a workspace's members who may pay get a mail."""

    wallet = models.OneToOneField(
        Wallet, on_delete=models.CASCADE, related_name="low_balance_threshold"
    )
    credits = models.PositiveBigIntegerField()
    # Set while the balance is below the threshold: one mail per crossing.
    notified_at = models.DateTimeField(null=True, db_column="told_at")

    class Meta:
        db_table = "billing_lowbalanceline"
        constraints = [
            models.CheckConstraint(condition=Q(credits__gt=0), name="low_balance_line_positive")
        ]

    def __str__(self) -> str:
        return f"{self.credits} credits for wallet {self.wallet_id}"
