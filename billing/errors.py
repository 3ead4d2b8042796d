"""The errors of billing.

BillingError
├── NotEnoughCredits       a debit larger than what is available
├── WalletMismatch         a reference that was posted before with another amount
├── PaymentsNotConfigured  there is no Stripe key, so nothing can be bought
├── TooManyFromNetwork     a network's share of the day's welcome credits is used up
├── TooManyOpenTopUps      too many top-ups of the workspace are unpaid
├── StripeUnavailable      no response, or a temporary error: a retry may succeed
├── StripeRefused          an error that a retry will not change
└── BadWebhook             a delivery that is not Stripe's, or not for us
"""


class BillingError(Exception):
    """Base of all errors of this app."""


class NotEnoughCredits(BillingError):
    """The wallet has fewer credits available than the debit takes."""

    def __init__(self, *, required: int, available: int) -> None:
        super().__init__(f"{required} credits are needed and {available} are available")
        self.required = required
        self.available = available


class WalletMismatch(BillingError):
    """A reference names one movement; it cannot be posted again with another amount."""


class PaymentsNotConfigured(BillingError):
    """STRIPE_SECRET_KEY is empty."""


class TooManyFromNetwork(BillingError):
    """So many newcomers of one network got welcome credits today that the next gets none."""


class TooManyOpenTopUps(BillingError):
    """The workspace has as many unpaid top-ups as we allow."""


class StripeUnavailable(BillingError):
    """Stripe did not respond, or responded with a temporary error.

    `is_remembered`: Stripe has saved this response for our idempotency key, so only a request with
    another key can succeed.
    """

    def __init__(self, message: str, *, is_remembered: bool = False) -> None:
        super().__init__(message)
        self.is_remembered = is_remembered


class StripeRefused(BillingError):
    """Stripe rejected the request; `code` and `param` are Stripe's."""

    def __init__(self, message: str, *, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.param = param


class BadWebhook(BillingError):
    """The delivery was refused; the message gives the reason."""
