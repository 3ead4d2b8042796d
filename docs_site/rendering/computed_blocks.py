"""Markdown of computed blocks, kept for some seconds: what the catalogue says costs queries.

While the database is unavailable, the last text stays, so that the documentation can be read.
"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

from django.conf import settings
from django.db import DatabaseError

KEPT_S = 5.0
T = TypeVar("T")


class _Kept(NamedTuple):
    value: Any
    computed_at: float


_kept: dict[tuple[str, ...], _Kept] = {}


def text_of(name: str, argument: str, compute: Callable[[str], str]) -> str:
    """Return the block's Markdown, at most KEPT_S old. Raises DatabaseError if none is known."""
    return value_of((name, argument, settings.PUBLIC_URL), lambda: compute(argument))


def value_of(key: tuple[str, ...], compute: Callable[[], T]) -> T:
    """Return any other value in the same way."""
    known = _kept.get(key)
    now = time.monotonic()
    if known and now - known.computed_at < KEPT_S:
        return cast("T", known.value)
    try:
        value = compute()
    except DatabaseError:
        if known is None:
            raise
        value = known.value
    _kept[key] = _Kept(value, now)
    return value


def forget() -> None:
    """Compute every block at its next use."""
    _kept.clear()
