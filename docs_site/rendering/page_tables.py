"""Tables of a page: they scroll when too wide, and on a phone long rows become blocks."""

import re
from collections.abc import Iterator

from django.utils.html import escape, format_html
from markdown_it.token import Token

from docs_site.source.markdown import plain_text

_FEWEST_THAT_STACK = 3
_FEWEST_THAT_ARE_TIGHT = 4
_BOX = '<div class="table-scroll" tabindex="0" role="region" aria-label="Table {}: {}">'
_CLASSES = {"text-align:right": "end", "text-align:center": "center", "text-align:left": "start"}
_BREAKS = re.compile(r"([_/.])")


def adapted(tokens: list[Token]) -> Iterator[Token]:
    """Yield the tokens, with labels on the cells and a box around each table."""
    labels: list[str] = []
    number = column = 0
    for at, token in enumerate(tokens):
        if token.type == "table_open":
            labels, number = _heads(tokens, at), number + 1
            if len(labels) >= _FEWEST_THAT_STACK or _names_code(tokens, at):
                token.attrSet("class", "stacks")
            yield _html(format_html(_BOX, number, ", ".join(label for label in labels if label)))
        elif token.type == "tr_open":
            column = 0
        elif token.type in {"th_open", "td_open"}:
            _adapt_cell(tokens[at : at + 3], labels[column])
            if len(labels) >= _FEWEST_THAT_ARE_TIGHT:
                _let_names_break(tokens[at + 1])
            column += 1
        yield token
        if token.type == "table_close":
            yield _html("</div>")


def _names_code(tokens: list[Token], start: int) -> bool:
    """Whether a first cell holds code: half of a phone's width would cut its names apart."""
    for at in range(start, len(tokens)):
        if tokens[at].type == "table_close":
            break
        is_first = tokens[at - 1].type == "tr_open" and tokens[at].type == "td_open"
        if is_first and any(one.type == "code_inline" for one in tokens[at + 1].children or []):
            return True
    return False


def _heads(tokens: list[Token], start: int) -> list[str]:
    """Return the column heads of the table that begins at `start`."""
    heads = []
    for at in range(start, len(tokens)):
        if tokens[at].type == "thead_close":
            break
        if tokens[at].type == "th_open":
            heads.append(plain_text(tokens[at + 1]))
    return heads


def _adapt_cell(cell: list[Token], label: str) -> None:
    """Name the cell's column, and turn its alignment into a class: our policy forbids styles."""
    opening, _, closing = cell
    alignment = opening.attrs.pop("style", None)
    if alignment in _CLASSES:
        opening.attrSet("class", _CLASSES[str(alignment)])
    if opening.type == "td_open":
        opening.attrSet("data-label", label)
    elif label:
        opening.attrSet("scope", "col")
    else:
        opening.tag = closing.tag = "td"  # an empty heading announces nothing


def _let_names_break(content: Token) -> None:
    """Let names such as `upstream_empty` break at their joints, so that columns fit."""
    for child in content.children or []:
        if child.type == "code_inline":
            child.type = "html_inline"
            name = _BREAKS.sub(r"\1<wbr>", escape(child.content))
            child.content = f"<code>{name}</code>"


def _html(text: str) -> Token:
    return Token("html_block", "", 0, content=text)
