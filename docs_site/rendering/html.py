"""A page's Markdown as HTML, cached by its text.

Adjacent code blocks, each in one of LANGUAGES, become tabs. The text after a block's language is
its title: ```json The answer. A fence ```{name} argument is a box of
docs_site/rendering/directives.py.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from django.template.loader import render_to_string
from markdown_it.token import Token

from docs_site.boxes.reader import Reader
from docs_site.rendering import directives
from docs_site.rendering.page_tables import adapted
from docs_site.source.markdown import MARKDOWN, parse, plain_text
from web.code_blocks import LANGUAGES, CodeSample
from web.templatetags import code as blocks

_BOX = re.compile(r"\{(\w+)\} (\S+)")
_LISTED = {"h2", "h3"}
_WORDS_PER_MINUTE = 220
# The templates' indentation is up to a tenth of a page's bytes, compressed too.
_VERBATIM = re.compile(r"(<(pre|script)\b.*?</\2>)", re.DOTALL)
_INDENTATION = re.compile(r"\s*\n\s*")


class Heading(NamedTuple):
    """A heading that the navigation "On this page" lists."""

    level: int
    id: str
    text: str


class Rendered(NamedTuple):
    """A page's HTML, its headings of the second and third level, and how long it is to read."""

    html: str
    headings: list[Heading]
    minutes: int


@lru_cache(maxsize=512)
def render(text: str, reader: Reader) -> Rendered:
    """Render the Markdown of a page; results are cached by text and reader."""
    parsed = parse(text)
    tokens = list(adapted(list(_with_anchors(list(_with_code(parsed, reader))))))
    html = _without_indentation(MARKDOWN.renderer.render(tokens, MARKDOWN.options, {}))
    minutes = max(1, round(len(text.split()) / _WORDS_PER_MINUTE))
    return Rendered(html, list(_headings(parsed)), minutes)


def render_line(text: str) -> str:
    """Render one line of inline Markdown, a page's description for example."""
    return str(MARKDOWN.renderInline(text))


def _without_indentation(html: str) -> str:
    parts = _VERBATIM.split(html)  # text, verbatim, its tag, text …
    for at in range(0, len(parts), 3):
        parts[at] = _INDENTATION.sub("\n", parts[at])
    return "".join(part for at, part in enumerate(parts) if at % 3 != 2)


def _headings(tokens: list[Token]) -> Iterator[Heading]:
    for at, token in enumerate(tokens):
        if token.type == "heading_open" and token.tag in _LISTED:
            text = plain_text(tokens[at + 1])
            yield Heading(int(token.tag[1]), str(token.attrGet("id")), text)


def _with_anchors(tokens: list[Token]) -> Iterator[Token]:
    """Put a link to itself beside every heading."""
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            yield _html('<div class="heading">')
            yield token
        elif token.type == "heading_close":
            yield token
            opening, text = tokens[at - 2], plain_text(tokens[at - 1])
            context = {"id": opening.attrGet("id"), "text": text}
            yield _html(render_to_string("docs/anchor.html", context) + "</div>")
        else:
            yield token


def _with_code(tokens: list[Token], reader: Reader) -> Iterator[Token]:
    """Replace code blocks with our own HTML."""
    number = 0
    for is_sample, group in groupby(tokens, key=_is_sample):
        if is_sample:
            number += 1
            yield _html(_samples(list(group), number))
            continue
        for token in group:
            number += token.type == "fence"
            yield _html(_fence(token, number, reader)) if token.type == "fence" else token


def _fence(token: Token, number: int, reader: Reader) -> str:
    box = _BOX.fullmatch(token.info.strip())
    if box and box[1] in directives.BOXES:
        return directives.BOXES[box[1]].html(box[2], reader, f"code-{number}")
    return _block(token, number)


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
