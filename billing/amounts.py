"""Dollars and credits: the amounts on sale, and the conversion. No Django, no I/O."""

CREDITS_PER_CENT = 1_000  # 1 US dollar is 100,000 credits
PRESET_DOLLARS = (5, 20, 50, 100)
SMALLEST_CENTS = 500
LARGEST_CENTS = 100_000


def credits_for(cents: int) -> int:
    """Return the credits that `cents` buy."""
    return cents * CREDITS_PER_CENT


def share(credits: int, *, cents: int, of_cents: int) -> int:
    """Return the part of `credits` that goes back with `cents` out of the `of_cents` paid.

    A share, not a fixed rate, because tax makes a payment larger than the price of its credits.
    Rounded down, so that a part never takes too much; all of the cents are all of the credits.
    """
    return credits * min(cents, of_cents) // of_cents
