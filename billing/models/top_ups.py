"""Purchases of credits, and what Stripe has reported about them."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import Workspace
from billing.models.wallets import Wallet


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
    # When the state was taken; unknown for one that is older than this column.
    state_since = models.DateTimeField(null=True)
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
