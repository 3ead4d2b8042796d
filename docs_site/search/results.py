"""Hits as a page shows them: in groups, the matched words marked, cut to a line around them."""

import re
from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from docs_site.search.entries import HEADING, PAGE
from docs_site.search.index import Hit
from docs_site.search.words import query_words

_GROUPS = {PAGE: "Pages", HEADING: "Headings"}
_SHOWN_LENGTH = 140
_BEFORE_MATCH = 40


class Result(NamedTuple):
    """One line of the results; title and text are HTML with the matched words marked."""

    url: str
    title: SafeString
    trail: str
    text: SafeString
    is_code: bool


class Group(NamedTuple):
    """The results of one kind, best first; `left_out` of them are not shown."""

    name: str
    results: list[Result]
    left_out: int


def grouped(hits: Iterable[Hit], query: str, *, per_group: int) -> list[Group]:
    """Return the hits by kind; the group of the best hit comes first."""
    by_kind: dict[str, list[Hit]] = {}
    for hit in hits:
        by_kind.setdefault(hit.entry.kind, []).append(hit)
    return [_group(kind, found, query, per_group) for kind, found in by_kind.items()]


def _group(kind: str, hits: list[Hit], query: str, per_group: int) -> Group:
    pattern = _pattern(query)
    shown = [_result(hit, pattern) for hit in islice(hits, per_group)]
    return Group(_GROUPS.get(kind, f"{kind}s"), shown, len(hits) - len(shown))


def _result(hit: Hit, pattern: re.Pattern[str]) -> Result:
    entry = hit.entry
    return Result(
        url=entry.url,
        title=_marked(entry.title, pattern),
        trail=entry.trail,
        text=_marked(_cut(entry.text, pattern), pattern),
        is_code=entry.kind not in _GROUPS,
    )


def _pattern(query: str) -> re.Pattern[str]:
    """Match the beginning of a word, or of a part of a name."""
    words = "|".join(re.escape(word) for word in sorted(query_words(query), key=len, reverse=True))
    return re.compile(rf"(?<![a-z0-9])(?:{words})" if words else r"(?!)", re.IGNORECASE)


def _marked(text: str, pattern: re.Pattern[str]) -> SafeString:
    pieces, end = [], 0
    for match in pattern.finditer(text):
        pieces += [escape(text[end : match.start()]), f"<mark>{escape(match[0])}</mark>"]
        end = match.end()
    return mark_safe("".join([*pieces, escape(text[end:])]))  # noqa: S308 (every piece is escaped)


def _cut(text: str, pattern: re.Pattern[str]) -> str:
    """Return a line of the text around the first match."""
    match = pattern.search(text)
    start = max(0, match.start() - _BEFORE_MATCH) if match else 0
    start = text.rfind(" ", 0, start) + 1 if start else 0
    shown = text[start : start + _SHOWN_LENGTH]
    is_cut = start + _SHOWN_LENGTH < len(text)
    return f"{'… ' if start else ''}{shown.rpartition(' ')[0] + ' …' if is_cut else shown}"
