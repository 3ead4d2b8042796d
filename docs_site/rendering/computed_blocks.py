"""Markdown of computed blocks, kept for some seconds: tables of the catalogue cost queries.

While the database is unavailable, the last text stays, so that the documentation can be read.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

from django.conf import settings
from django.db import DatabaseError

KEPT_S = 5.0


class _Kept(NamedTuple):
    text: str
    computed_at: float


_kept: dict[tuple[str, str, str], _Kept] = {}


def text_of(name: str, argument: str, compute: Callable[[str], str]) -> str:
    """Return the block's Markdown, at most KEPT_S old. Raises DatabaseError if none is known."""
    key = (name, argument, settings.PUBLIC_URL)
    known = _kept.get(key)
    now = time.monotonic()
    if known and now - known.computed_at < KEPT_S:
        return known.text
    try:
        text = compute(argument)
    except DatabaseError:
        if known is None:
            raise
        text = known.text
    _kept[key] = _Kept(text, now)
    return text


def forget() -> None:
    """Compute every block at its next use."""
    _kept.clear()
