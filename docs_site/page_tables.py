"""Tables of a page: they scroll when too wide, and on a phone long rows become blocks."""

from collections.abc import Iterator

from django.utils.html import format_html
from markdown_it.token import Token

from docs_site.markdown import plain_text

_FEWEST_THAT_STACK = 3
_BOX = '<div class="table-scroll" tabindex="0" role="region" aria-label="Table: {}">'
_CLASSES = {"text-align:right": "end", "text-align:center": "center", "text-align:left": "start"}


def adapted(tokens: list[Token]) -> Iterator[Token]:
    """Yield the tokens, with labels on the cells and a box around each table."""
    labels: list[str] = []
    column = 0
    for at, token in enumerate(tokens):
        if token.type == "table_open":
            labels = _heads(tokens, at)
            if len(labels) >= _FEWEST_THAT_STACK:
                token.attrSet("class", "stacks")
            yield _html(format_html(_BOX, ", ".join(labels)))
        elif token.type == "tr_open":
            column = 0
        elif token.type in {"th_open", "td_open"}:
            _adapt_cell(token, labels[column])
            column += 1
        yield token
        if token.type == "table_close":
            yield _html("</div>")


def _heads(tokens: list[Token], start: int) -> list[str]:
    """Return the column heads of the table that begins at `start`."""
    heads = []
    for at in range(start, len(tokens)):
        if tokens[at].type == "thead_close":
            break
        if tokens[at].type == "th_open":
            heads.append(plain_text(tokens[at + 1]))
    return heads


def _adapt_cell(token: Token, label: str) -> None:
    """Name the cell's column, and turn its alignment into a class: our policy forbids styles."""
    alignment = token.attrs.pop("style", None)
    if alignment in _CLASSES:
        token.attrSet("class", _CLASSES[str(alignment)])
    if token.tag == "td":
        token.attrSet("data-label", label)
    else:
        token.attrSet("scope", "col")


def _html(text: str) -> Token:
    return Token("html_block", "", 0, content=text)
