"""Values of filters: read from the address of a page, and written into one. Pure.

What is not understood is left out, so that an address which somebody edits still leads to a page.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, tzinfo
from urllib.parse import urlencode

NO_KEY = "none"  # in the place of a key's id: calls without one
_MOST_DIGITS = 18  # of an id
_LONGEST = 300
_YEARS = range(2000, 2201)


def text(params: Mapping[str, str], name: str) -> str:
    """Return a parameter without the white space around it; empty if it is not there, too long, or
    has characters that no field shows."""
    found = params.get(name, "").strip()
    return found if found.isprintable() and len(found) <= _LONGEST else ""


def is_number(text: str) -> bool:
    """Return whether it is the id of a row."""
    return text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS


def is_key(text: str) -> bool:
    """Return whether it is the id of a key, or stands for the calls without one."""
    return text == NO_KEY or is_number(text)


def day(text: str) -> date | None:
    """Read a day as a browser's field writes it: 2026-11-30."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if found.year in _YEARS else None


def midnight(day: date, zone: tzinfo) -> datetime:
    """Return the first moment of a day in a zone, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def address(values: Mapping[str, str]) -> str:
    """Return the query of an address; empty values are left out."""
    return urlencode({name: text for name, text in values.items() if text})
