"""How numbers, credits and times read on a page."""

from decimal import Decimal

from django import template

register = template.Library()

CREDITS_PER_DOLLAR = 100_000


@register.filter
def grouped(number: int) -> str:
    """Write 499988 as 499,988."""
    return f"{number:,}"


@register.filter
def dollars(credits: int) -> str:
    """Write credits as dollars: 499,988 as $5.00; below a cent the digits that matter stay."""
    amount = Decimal(credits) / CREDITS_PER_DOLLAR
    if amount and abs(amount) < Decimal("0.01"):
        return f"${amount:.5f}"
    return f"${amount:,.2f}" if amount >= 0 else f"-${-amount:,.2f}"
