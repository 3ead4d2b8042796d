"""Dollars and credits: what can be bought, and what it comes to. No Django, no I/O."""

CREDITS_PER_CENT = 1_000  # 1 US dollar is 100,000 credits
PRESET_DOLLARS = (5, 20, 50, 100)
SMALLEST_CENTS = 500
LARGEST_CENTS = 100_000


def credits_for(cents: int) -> int:
    """Return the credits that `cents` buy."""
    return cents * CREDITS_PER_CENT


def share(credits: int, *, cents: int, of_cents: int) -> int:
    """Return the part of `credits` that went back with `cents` out of the `of_cents` paid.

    Tax makes a payment larger than what its credits cost, hence a share and no fixed rate. Rounded
    down, so that a part never takes more than its due; all of the cents are all of the credits.
    """
    return credits * min(cents, of_cents) // of_cents
