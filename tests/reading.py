"""What a person reads on a page."""

import html
import re

from django.http import HttpResponse


def text_of(answer: HttpResponse) -> str:
    """Return a page's text without its markup, its white space folded."""
    without_tags = re.sub(r"<[^>]*>", "", answer.content.decode())
    return " ".join(html.unescape(without_tags).split())
