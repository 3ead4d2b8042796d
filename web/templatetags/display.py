"""Template filters that format numbers, credits, times and durations."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

CREDITS_PER_DOLLAR = 100_000
_FAR_S = 30 * 86_400
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


_MINUS = "\N{MINUS SIGN}"


@register.filter
def grouped(number: int) -> str:
    """Write 499988 as 499,988."""
    return f"{number:,}".replace("-", _MINUS)


@register.filter
def dollars(credits: int, places: int | None = None) -> str:
    """Write credits as dollars: 499,988 as $5.00; below a cent with five decimals, as $0.00012.

    With `places`, always with as many: 5 for the cost of one call, to the credit.
    """
    amount = Decimal(credits) / CREDITS_PER_DOLLAR
    sign, size = (_MINUS if amount < 0 else ""), abs(amount)
    if places is None:
        places = 5 if 0 < size < Decimal("0.01") else 2
    return f"{sign}${size:,.{places}f}"


@register.filter
def thousandths(credits: Decimal) -> str:
    """Write an exact part of a charge to the thousandth of a credit: 1,234.568."""
    return f"{credits:,.3f}"


@register.filter
def at_most(number: int, largest: int) -> int:
    """Return the smaller of the two."""
    return min(number, largest)


@register.simple_tag
def credits(amount: int, *, signed: bool = False) -> SafeString:
    """Write an amount of credits, its dollars in a place of their own. `signed` writes a plus."""
    return format_html(
        '<data class="number" value="{}">{}</data>',
        amount,
        f"{amount:+,}".replace("-", _MINUS) if signed and amount else grouped(amount),
    )


@register.simple_tag
def credits_worth(amount: int) -> SafeString:
    """Write an amount for a sentence, with its dollars: 2,000 credits ($0.02)."""
    return format_html(
        '<data class="number" value="{}">{} credits</data> <span class="nowrap">({})</span>',
        amount,
        grouped(amount),
        dollars(amount),
    )


@register.simple_tag
def moment(at: datetime) -> SafeString:
    """Write a time for a sentence: 3 min ago (2026-11-30 09:31:22 UTC).

    js/times.js updates the relative time and shows the local one on hover.
    """
    date, _, time = exact_time(at).partition(" ")
    return format_html(
        '{} <span class="exact"><span>({}</span> <span>{})</span></span>',
        _relative_time(at),
        date,
        time,
    )


@register.simple_tag
def moment_lines(at: datetime) -> SafeString:
    """Write a time for a table: the relative one, and the exact one below it."""
    return format_html(
        '<span class="two-lines">{} <span class="soft nowrap">{}</span></span>',
        _relative_time(at),
        exact_time(at),
    )


@register.filter
def exact_time(at: datetime) -> str:
    """Write a time to the second, in UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _relative_time(at: datetime) -> SafeString:
    return format_html(
        '<time class="nowrap" datetime="{}" data-relative>{}</time>',
        f"{at:%Y-%m-%dT%H:%M:%SZ}",
        relative(at, now=timezone.now()),
    )


def relative(at: datetime, *, now: datetime) -> str:
    """Return the distance of `at` as text: "3 min ago", "in 2 d"; from thirty days on, its date.

    The past counts complete units. The future is rounded, so that a key made a second ago for
    thirty days expires in 30 d.
    """
    seconds = (now - at).total_seconds()
    distance = abs(seconds)
    if distance >= _FAR_S:
        return f"{at.day} {at:%b %Y}"
    if distance < 60:
        return "in a moment" if seconds < 0 else "just now"
    size, unit = next((size, unit) for size, unit in _UNITS if distance >= size)
    if seconds < 0:
        return f"in {round(distance / size)} {unit}"
    return f"{int(distance // size)} {unit} ago"


@register.filter
def request_id(id: UUID | str) -> str:
    """Write a request's id as responses and errors do: req_ and 32 hex digits.

    Other text stays as it is: an operator must be able to see books with a wrong reference.
    """
    try:
        return f"req_{UUID(str(id)).hex}"
    except ValueError:
        return str(id)


@register.filter
def duration(milliseconds: float) -> str:
    """Write 340 as 340 ms and 12345 as 12.3 s."""
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    return f"{milliseconds / 1000:.1f} s"


@register.filter
def run_duration(milliseconds: float) -> str:
    """Write 73 as 73 ms and 187 as 0.19 s, as js/run/figures.js does."""
    if milliseconds < 100:
        return f"{milliseconds:.0f} ms"
    return f"{milliseconds / 1000:.2f} s"


@register.filter
def tick(milliseconds: int) -> str:
    """Write a mark of a time scale: 0, 200 ms, 1 s, 2.5 s."""
    if milliseconds < 1000:
        return f"{milliseconds} ms" if milliseconds else "0"
    return f"{milliseconds / 1000:g} s"


@register.filter
def percent(share: float) -> str:
    """Write 0.0123 as 1.2%."""
    return f"{share:.1%}" if 0 < share < 1 else f"{share:.0%}"


@register.filter
def last_part(name: str) -> str:
    """Write caicaini/auto as auto, beside a model with its whole name."""
    return name.rpartition("/")[2]


@register.filter
def in_words(name: str) -> str:
    """Write caller_left as Caller left."""
    return name.replace("_", " ").capitalize()
