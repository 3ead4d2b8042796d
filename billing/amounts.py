"""Dollars and credits: the amounts on sale, and the conversion. No Django, no I/O."""

import re

CREDITS_PER_CENT = 1_000  # 1 US dollar is 100,000 credits
PRESET_DOLLARS = (5, 20, 50, 100)
SMALLEST_CENTS = 500
LARGEST_CENTS = 100_000


# Commas or spaces stand between groups of three. static/js/amounts.js has the same rule.
_DOLLARS = re.compile(r"\s*\$?\s*([0-9]{1,9}|[0-9]{1,3}(?:[,\s][0-9]{3}){1,2})(?:\.([0-9]*))?\s*")


class NotAnAmount(ValueError):
    """The text is not an amount of dollars; the message says how to write one."""


def cents_of(typed: str) -> int:
    """Read dollars as people type them: "20", "$20", "1,000", " 12.5 ", "$ 1 000.00".

    Raises NotAnAmount for anything else: "12,50" could be meant two ways, and "1e2" or "1_000" are
    a program's numbers.
    """
    found = _DOLLARS.fullmatch(typed)
    if found is None:
        raise NotAnAmount("Write the amount in digits, like 12.50.")
    dollars, cents = re.sub(r"[,\s]", "", found[1]), found[2] or ""
    if len(cents) > 2:
        raise NotAnAmount("Give whole cents: two places after the point.")
    return int(dollars) * 100 + int(cents.ljust(2, "0"))


def credits_for(cents: int) -> int:
    """Return the credits that `cents` buy."""
    return cents * CREDITS_PER_CENT


def share(credits: int, *, cents: int, of_cents: int) -> int:
    """Return the part of `credits` that goes back with `cents` out of the `of_cents` paid.

    A share, not a fixed rate, because tax makes a payment larger than the price of its credits.
    Rounded down, so that a part never takes too much; all of the cents are all of the credits.
    """
    return credits * min(cents, of_cents) // of_cents
