"""The head of a page's file: `key: value` lines between two lines of three hyphens.

---
title: Streaming
description: With `"stream": true` the answer arrives as server-sent events.
section: Guides
order: 30
updated: 2026-11-30
---
The body follows, without a heading of its own. A page about one language may have a line
`language: python`, for the tab that its samples open with.
"""

from datetime import date
from pathlib import Path

from docs_site.source.page import SECTIONS, Page
from web.code_blocks import LANGUAGES

_KEYS = {"title", "description", "section", "order", "updated"}
_OPTIONAL = {"language"}


class BadFrontMatter(ValueError):
    """The head of a page's file is missing or wrong; the message names file and fault."""


def read(path: Path) -> Page:
    """Read a page from its file; raise BadFrontMatter."""
    try:
        return parse(path.stem, path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadFrontMatter(f"{path.name}: {error}") from error


def parse(slug: str, text: str) -> Page:
    """Return the page in `text`; raise ValueError with the fault."""
    opening, separator, rest = text.partition("---\n")
    head, end, body = rest.partition("\n---\n")
    if opening or not separator or not end:
        raise ValueError("it does not begin with front matter between two lines of ---")
    fields = _fields(head)
    return Page(
        slug=slug,
        title=fields["title"],
        description=fields["description"],
        section=_section(fields["section"]),
        order=int(fields["order"]),
        updated=date.fromisoformat(fields["updated"]),
        body=body.strip("\n") + "\n",
        first_line=text[: len(text) - len(body.lstrip("\n"))].count("\n") + 1,
        language=_language(fields.get("language", "")),
    )


def _fields(head: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in head.splitlines() if line.strip())
    fields = {key.strip(): value.strip() for key, _, value in pairs}
    if fields.keys() - _OPTIONAL != _KEYS or not all(fields.values()):
        raise ValueError(f"its keys must be {', '.join(sorted(_KEYS))}, each with a value")
    return fields


def _section(name: str) -> str:
    if name not in SECTIONS:
        raise ValueError(f"section must be one of {', '.join(SECTIONS)}")
    return name


def _language(name: str) -> str:
    if name and name not in LANGUAGES:
        raise ValueError(f"language must be one of {', '.join(LANGUAGES)}")
    return name
