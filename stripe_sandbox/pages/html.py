"""Fill templates, with all values escaped."""

from html import escape
from pathlib import Path
from string import Template

_FOLDER = Path(__file__).parent / "templates"


class Markup(str):
    """Text that already is HTML."""


def fill(template: str, /, **values: str) -> Markup:
    """Fill the file `template`.html; values that are not `Markup` are escaped."""
    text = (_FOLDER / f"{template}.html").read_text()
    escaped = {
        key: value if isinstance(value, Markup) else escape(value) for key, value in values.items()
    }
    return Markup(Template(text).substitute(escaped))


def join(parts: list[Markup]) -> Markup:
    return Markup("".join(parts))


def money(cents: int, currency: str) -> str:
    """`1234` as `$12.34`; other currencies with their code."""
    amount = f"{cents / 100:,.2f}"
    return f"${amount}" if currency == "usd" else f"{amount} {currency.upper()}"
