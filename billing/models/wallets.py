"""Wallets: a workspace's balances.

A wallet's `posted` is the sum of its ledger entries, `held` the sum of its open holds; what can be
spent is `posted - held`.
"""

from django.db import models
from django.db.models import F, Q

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


class FrozenFor(models.TextChoices):
    """Why a wallet's workspace makes no new calls."""

    AUDIT = "audit", "An audit found a fault"
    LOSSES = "losses", "Its calls cost more than was held"


class Wallet(models.Model):
    """A workspace's balance in one pool; the only mutable money row."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="wallets")
    pool = models.CharField(max_length=16, choices=Pool.choices)
    posted = models.BigIntegerField(default=0, db_default=0)
    held = models.BigIntegerField(default=0, db_default=0)
    owed = models.BigIntegerField(default=0, db_default=0)
    seq = models.BigIntegerField(default=0, db_default=0)
    frozen_at = models.DateTimeField(null=True, blank=True)
    frozen_for = models.CharField(
        max_length=16, choices=FrozenFor.choices, blank=True, db_default=""
    )
    # When an operator last lifted it: losses of before do not stop the workspace again.
    unfrozen_at = models.DateTimeField(null=True, blank=True)

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


class LowBalanceThreshold(models.Model):
    """The balance below which a workspace's members who may pay get a mail."""

    wallet = models.OneToOneField(
        Wallet, on_delete=models.CASCADE, related_name="low_balance_threshold"
    )
    credits = models.PositiveBigIntegerField()
    # The last ledger entry that was compared with it: one mail per crossing. None until the first.
    checked_seq = models.BigIntegerField(null=True)
    # Set while the balance is below the threshold; the release before reads it.
    notified_at = models.DateTimeField(null=True, db_column="told_at")

    class Meta:
        db_table = "billing_lowbalanceline"
        constraints = [
            models.CheckConstraint(condition=Q(credits__gt=0), name="low_balance_line_positive")
        ]

    def __str__(self) -> str:
        return f"{self.credits} credits for wallet {self.wallet_id}"


class DemoWallet(models.Model):
    """The wallet that pays for visitors' runs on the landing page; there is one row at most.

    Its workspace has no members: nobody can sign in to it, and no key of it can be made.
    """

    wallet = models.OneToOneField(Wallet, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="demo_wallet_single_row")]

    def __str__(self) -> str:
        return f"demo wallet {self.wallet_id}"
