"""What can go wrong with money.

BillingError
├── NotEnoughCredits   a debit larger than what is available
└── WalletMismatch     a reference that was posted before with another amount
"""


class BillingError(Exception):
    """Base of all errors of this app."""


class NotEnoughCredits(BillingError):
    """The wallet does not have what should be taken from it."""

    def __init__(self, *, required: int, available: int) -> None:
        super().__init__(f"{required} credits are needed and {available} are available")
        self.required = required
        self.available = available


class WalletMismatch(BillingError):
    """A reference names one movement for ever; it cannot come again with another amount."""
