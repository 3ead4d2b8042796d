"""Markdown as tokens with anchors: an id on every heading, and on rows that name one thing each.

A table whose first column has a head of ROW_KINDS lists things by name: fields, error codes. Each
row whose first cell is code gets an id, and the search lists it.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROW_KINDS = ("Field", "Header", "Event", "Error code", "Model", "Setting", "Limit")

MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


def parse(text: str) -> list[Token]:
    """Return the tokens of a page's body, with the anchors' ids as attributes."""
    tokens = MARKDOWN.parse(text)
    taken: set[str] = set()
    for token, name in _anchors(tokens):
        token.attrSet("id", _unique(slug(name), taken))
    return tokens


def plain_text(token: Token) -> str:
    """Return the text of an inline token without its markup."""
    children = token.children or []
    shown = {"text", "code_inline", "softbreak"}
    return "".join(child.content or " " for child in children if child.type in shown)


def row_kind(tokens: list[Token], start: int) -> str | None:
    """Return the kind of the rows of the table that begins at `start`, or None."""
    head = next(token for token in tokens[start:] if token.type == "inline")
    return head.content if head.content in ROW_KINDS else None


def _anchors(tokens: list[Token]) -> Iterator[tuple[Token, str]]:
    kind = None
    for at, (token, following) in enumerate(pairwise(tokens)):
        if token.type == "heading_open":
            yield token, plain_text(following)
        elif token.type == "table_open":
            kind = row_kind(tokens, at)
        elif token.type == "tr_open" and kind and _is_named(tokens[at + 2]):
            yield token, plain_text(tokens[at + 2])


def _is_named(cell: Token) -> bool:
    """Whether a cell begins with code."""
    return [child.type for child in cell.children or []][:1] == ["code_inline"]


def slug(text: str) -> str:
    return re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-") or "section"


def _unique(name: str, taken: set[str]) -> str:
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{name}-{number}"
    taken.add(candidate)
    return candidate
