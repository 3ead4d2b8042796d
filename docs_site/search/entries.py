"""What can be found: pages, their headings, and table rows that name a field, an error, a model."""

from collections.abc import Iterator
from typing import NamedTuple

from markdown_it.token import Token

from docs_site.operator.pages import OperatorPage
from docs_site.source.markdown import MARKDOWN, parse, plain_text, row_kind
from docs_site.source.page import Page

PAGE, HEADING = "Page", "Heading"
_LISTED = {"h2", "h3"}


class Entry(NamedTuple):
    """A place in the documentation; `trail` is where it stands, `code` is found but not shown."""

    kind: str
    title: str
    trail: str
    url: str
    text: str = ""
    code: str = ""


def entries_of(page: Page | OperatorPage, markdown: str) -> Iterator[Entry]:
    """Yield the page, then its headings and rows in their order."""
    tokens = parse(markdown)
    description = plain_text(MARKDOWN.parseInline(page.description)[0])
    opening = Entry(PAGE, page.title, page.section, page.url, description)
    section = opening
    is_listed = False  # inside a table whose rows are entries of their own
    for at, token in enumerate(tokens):
        if token.type == "heading_open" and token.tag in _LISTED:
            yield section
            section = _heading(page, token, tokens[at + 1])
        elif token.type == "table_open" and (kind := row_kind(tokens, at)):
            is_listed = True
            yield from _rows(kind, section, page, tokens, at)
        elif token.type == "table_close":
            is_listed = False
        elif not is_listed:
            section = _with_content(section, token)
    yield section


def _heading(page: Page | OperatorPage, token: Token, content: Token) -> Entry:
    url = f"{page.url}#{token.attrGet('id')}"
    return Entry(HEADING, plain_text(content), page.title, url)


def _with_content(section: Entry, token: Token) -> Entry:
    if token.type == "inline":
        text = plain_text(token)
        return section if text == section.title else _added(section, text)
    if token.type == "fence":
        return section._replace(code=f"{section.code} {token.content}")
    return section


def _added(section: Entry, text: str) -> Entry:
    return section._replace(text=f"{section.text} {text}".strip())


def _rows(
    kind: str, section: Entry, page: Page | OperatorPage, tokens: list[Token], start: int
) -> Iterator[Entry]:
    """Yield the rows with an anchor of the table that begins at `start`."""
    trail = page.title if section.kind == PAGE else f"{page.title} · {section.title}"
    for at in range(start, len(tokens)):
        token = tokens[at]
        if token.type == "table_close":
            return
        if token.type == "tr_open" and token.attrGet("id"):
            name, *rest = _cells(tokens, at)
            url = f"{page.url}#{token.attrGet('id')}"
            yield Entry(kind, name, trail, url, " · ".join(text for text in rest if text))


def _cells(tokens: list[Token], start: int) -> Iterator[str]:
    for token in tokens[start:]:
        if token.type == "tr_close":
            return
        if token.type == "inline":
            yield plain_text(token)
