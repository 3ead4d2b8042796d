"""What a page's HTML may depend on: few values, because each has a cached copy of every page."""

from datetime import date
from typing import NamedTuple

from docs_site.boxes.abilities import Abilities


class Reader(NamedTuple):
    """The person who reads a page, what the models on offer can do, and the day in UTC.

    `has_key`: the workspace that they are signed in to has an active key. Without a day a page does
    not say how old its recordings are.
    """

    is_signed_in: bool
    has_key: bool = False
    abilities: Abilities = None
    today: date | None = None


# Stands in the cached HTML; the view puts the reader's key hint in its place.
KEY_HINT = "\N{LEFT WHITE SQUARE BRACKET}key hint\N{RIGHT WHITE SQUARE BRACKET}"
