"""What a page's HTML may depend on: few values, because each has a cached copy of every page."""

from typing import NamedTuple


class Reader(NamedTuple):
    """The person who reads a page."""

    is_signed_in: bool


# Stands in the cached HTML; the view puts the reader's key hint in its place.
KEY_HINT = "\N{LEFT WHITE SQUARE BRACKET}key hint\N{RIGHT WHITE SQUARE BRACKET}"
