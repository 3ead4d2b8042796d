"""Code on pages: samples in several languages, and syntax highlighting."""

from typing import NamedTuple

from django.utils.safestring import SafeString, mark_safe
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

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
    return mark_safe(highlight(text, lexer, _FORMATTER).rstrip("\n"))  # noqa: S308 (Pygments escapes)
