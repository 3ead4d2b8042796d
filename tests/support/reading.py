"""The text that a person reads on a page."""

import html
import re
from typing import Protocol


class Answer(Protocol):
    """A response with its whole body, not a stream."""

    @property
    def content(self) -> bytes:
        """Its body."""


def text_of(answer: Answer) -> str:
    """Return a page's text without its markup, its white space folded."""
    without_tags = re.sub(r"<[^>]*>", "", answer.content.decode())
    return " ".join(html.unescape(without_tags).split())
