"""A page's file begins with front matter; a wrong one is refused with the file and the fault."""

from datetime import date
from pathlib import Path

import pytest

from docs_site.source import front_matter
from docs_site.source.front_matter import BadFrontMatter

GOOD = """\
---
title: Streaming
description: With `"stream": true` it arrives: piece by piece.
section: Guides
order: 30
updated: 2026-11-30
---

The body.
"""


def read(tmp_path: Path, text: str) -> object:
    path = tmp_path / "streaming.md"
    path.write_text(text, encoding="utf-8")
    return front_matter.read(path)


def test_a_page_is_read_from_its_file(tmp_path: Path) -> None:
    page = front_matter.parse("streaming", GOOD)

    assert read(tmp_path, GOOD) == page
    assert (page.url, page.markdown_url) == ("/docs/streaming", "/docs/streaming.md")
    assert page.description == 'With `"stream": true` it arrives: piece by piece.'
    assert (page.section, page.order, page.updated) == ("Guides", 30, date(2026, 11, 30))
    assert page.body == "The body.\n"
    assert GOOD.splitlines()[page.first_line - 1] == "The body."


def test_a_page_may_begin_with_a_language(tmp_path: Path) -> None:
    assert front_matter.parse("streaming", GOOD).language == ""

    text = GOOD.replace("order: 30", "order: 30\nlanguage: python")
    assert front_matter.parse("python-sdk", text).language == "python"


@pytest.mark.parametrize(
    ("good", "bad", "fault"),
    [
        ("---\ntitle", "title", "does not begin with front matter"),
        ("---\n\nThe", "\nThe", "does not begin with front matter"),
        ("order: 30\n", "", "its keys must be"),
        ("order: 30", "order:", "each with a value"),
        ("order: 30", "order: 30\nauthor: me", "its keys must be"),
        ("order: 30", "order: last", "invalid literal"),
        ("section: Guides", "section: Other", "section must be one of"),
        ("order: 30", "order: 30\nlanguage: rust", "language must be one of"),
        ("2026-11-30", "yesterday", "Invalid isoformat"),
    ],
)
def test_wrong_front_matter_is_refused(tmp_path: Path, good: str, bad: str, fault: str) -> None:
    with pytest.raises(BadFrontMatter, match=rf"^streaming\.md: .*{fault}"):
        read(tmp_path, GOOD.replace(good, bad))
