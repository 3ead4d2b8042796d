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
    amount = f"{credits:,} credits, worth {dollars(credits)}"
    if settings.WELCOME_AFTER_PAYMENT:
        return f"The first paid top-up brings {amount}, on top, once for each person."
    return f"A confirmed e-mail address starts with {amount}, once for each person."


def first_credits() -> str:
    """Return the Quickstart's sentence about the same."""
    credits = settings.WELCOME_CREDITS
    if not credits or settings.WELCOME_AFTER_PAYMENT:
        return "A new account starts without credits: top up on *Billing* before the first call."
    return (
        f"A confirmed address starts with {credits:,} credits, once for each person. "
        "No card is needed."
    )
