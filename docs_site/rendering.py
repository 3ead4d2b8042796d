"""Markdown to HTML: headings with ids, code blocks, one call in several languages as tabs.

Adjacent code blocks, each in one of LANGUAGES, become tabs. The text after a block's language is
its title: ```json The answer
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby, pairwise
from typing import NamedTuple

from django.template.loader import render_to_string
from markdown_it import MarkdownIt
from markdown_it.token import Token

from web.code_blocks import LANGUAGES, CodeSample
from web.templatetags import code as blocks


class Heading(NamedTuple):
    """A heading that the navigation "On this page" lists."""

    level: int
    id: str
    text: str


class Rendered(NamedTuple):
    """A page's HTML and its headings of the second and third level."""

    html: str
    headings: list[Heading]


_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


@lru_cache(maxsize=64)
def render(text: str) -> Rendered:
    """Render a page; results are cached by text."""
    tokens = list(_with_code(_MARKDOWN.parse(text)))
    headings = list(_named_headings(tokens))
    return Rendered(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}), headings)


def _named_headings(tokens: list[Token]) -> Iterator[Heading]:
    for token, content in pairwise(tokens):
        if token.type == "heading_open" and token.tag in {"h2", "h3"}:
            name = re.sub(r"[^a-z0-9]+", "-", content.content.lower()).strip("-")
            token.attrSet("id", name)
            yield Heading(int(token.tag[1]), name, content.content)


def _with_code(tokens: list[Token]) -> Iterator[Token]:
    """Replace code blocks with our own HTML, and let wide tables scroll."""
    number = 0
    for is_sample, group in groupby(tokens, key=_is_sample):
        if is_sample:
            number += 1
            yield _html(_samples(list(group), number))
            continue
        for token in group:
            number += token.type == "fence"
            yield from _replaced(token, number)


def _replaced(token: Token, number: int) -> Iterator[Token]:
    if token.type == "fence":
        yield _html(_block(token, number))
    elif token.type == "table_open":
        yield _html('<div class="table-scroll" tabindex="0" role="region" aria-label="Table">')
        yield token
    elif token.type == "table_close":
        yield token
        yield _html("</div>")
    else:
        yield token


def _is_sample(token: Token) -> bool:
    return token.type == "fence" and token.info.strip() in LANGUAGES


def _samples(fences: list[Token], number: int) -> str:
    several = [CodeSample(fence.info.strip(), fence.content.rstrip()) for fence in fences]
    context = blocks.samples(several, id=f"code-{number}", title=f"Example {number}")
    return render_to_string("components/samples.html", context)


def _block(fence: Token, number: int) -> str:
    language, _, title = fence.info.strip().partition(" ")
    context = blocks.code(
        fence.content.rstrip(), id=f"code-{number}", language=language or "text", title=title
    )
    return render_to_string("components/code.html", context)


def _html(text: str) -> Token:
    return Token("html_block", "", 0, content=text)
