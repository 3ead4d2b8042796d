"""Code on pages: samples in several languages, and syntax highlighting."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from django.utils.safestring import SafeString, mark_safe
from pygments import highlight
from pygments.filter import simplefilter
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.token import Name, Operator, Punctuation, Text, Whitespace

# What components/code.css does not colour: half of all tokens, and not worth an element each.
_PLAIN = {Name, Name.Other, Operator, Punctuation, Whitespace}
_FORMATTER = HtmlFormatter(nowrap=True)
_LEXERS = {"curl": "bash"}

# Tab labels by language; js/early.js and components/code.css use the same names.
LANGUAGES = {"curl": "curl", "python": "Python", "typescript": "TypeScript"}


class CodeSample(NamedTuple):
    """The same call in one of LANGUAGES."""

    language: str
    text: str

    @property
    def label(self) -> str:
        """The label of its tab."""
        return LANGUAGES[self.language]


def highlighted(text: str, language: str) -> SafeString:
    """Return `text` as escaped HTML with the classes that components/code.css colours."""
    lexer = get_lexer_by_name(_LEXERS.get(language, language))
    lexer.add_filter(_without_plain_kinds())
    return mark_safe(highlight(text, lexer, _FORMATTER).rstrip("\n"))  # noqa: S308 (Pygments escapes)


@simplefilter
def _without_plain_kinds(
    self: Any, lexer: Any, stream: Iterable[tuple[Any, str]], options: Any
) -> Iterator[tuple[Any, str]]:
    for kind, value in stream:
        yield (Text if kind in _PLAIN else kind), value
