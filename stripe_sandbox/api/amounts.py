"""The limits of an amount that can be charged."""

from stripe_sandbox.errors import InvalidRequest

LARGEST_CENTS = 99_999_999
SMALLEST_CENTS = 50


def check_amount(cents: int, currency: str) -> None:
    if cents > LARGEST_CENTS:
        raise InvalidRequest(
            "Amount must be no more than $999,999.99", param="amount", code="amount_too_large"
        )
    if cents < SMALLEST_CENTS:
        raise InvalidRequest(
            f"The amount must be at least {SMALLEST_CENTS} cents in {currency}.",
            param="amount",
            code="amount_too_small",
        )
