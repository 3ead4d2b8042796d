"""Amounts that the pages about money name."""

from django.conf import settings

from billing.amounts import LARGEST_CENTS, SMALLEST_CENTS
from web.templatetags.display import dollars


def top_up_range() -> str:
    """Return the smallest and the largest amount of a top-up."""
    return f"${SMALLEST_CENTS // 100:,} to ${LARGEST_CENTS // 100:,}"


def welcome(_: str) -> str:
    """Return what a new account starts with, if it starts with anything."""
    credits = settings.WELCOME_CREDITS
    if not credits:
        return "A new account starts without credits."
    return (
        f"A confirmed e-mail address starts with {credits:,} credits, worth {dollars(credits)}, "
        "once for each address."
    )
