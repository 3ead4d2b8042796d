"""What can go wrong with money.

BillingError
├── NotEnoughCredits       a debit larger than what is available
├── WalletMismatch         a reference that was posted before with another amount
├── PaymentsNotConfigured  there is no Stripe key, so nothing can be bought
├── TooManyOpenTopUps      many payments were begun and none was made
├── StripeUnavailable      no answer, or one that says "later"; the same call may work then
├── StripeRefused          an answer that will not change by asking again
└── BadWebhook             a delivery that is not Stripe's, or not for us
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


class PaymentsNotConfigured(BillingError):
    """STRIPE_SECRET_KEY is empty."""


class TooManyOpenTopUps(BillingError):
    """A workspace has begun more payments than anybody needs, and paid none of them."""


class StripeUnavailable(BillingError):
    """Stripe did not answer, or could not work.

    `is_remembered`: Stripe keeps this very answer for our idempotency key, so that only another key
    can bring another answer.
    """

    def __init__(self, message: str, *, is_remembered: bool = False) -> None:
        super().__init__(message)
        self.is_remembered = is_remembered


class StripeRefused(BillingError):
    """Stripe understood and said no; `code` and `param` are Stripe's."""

    def __init__(self, message: str, *, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.param = param


class BadWebhook(BillingError):
    """The message says what is wrong with the delivery."""
