"""Who got welcome credits."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from billing.models.wallets import Wallet


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
