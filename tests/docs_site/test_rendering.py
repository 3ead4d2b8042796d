"""A page's Markdown becomes HTML."""

import re

import pytest

from docs_site.boxes.reader import Reader
from docs_site.rendering.html import Heading, render

VISITOR = Reader(is_signed_in=False)


def html_of(text: str) -> str:
    return render(text, VISITOR).html


def test_headings_have_ids_and_links_to_themselves() -> None:
    rendered = render("## Read `usage`, then act\n\n### Twice\n\n### Twice\n", VISITOR)

    assert rendered.headings == [
        Heading(2, "read-usage-then-act", "Read usage, then act"),
        Heading(3, "twice", "Twice"),
        Heading(3, "twice-2", "Twice"),
    ]
    for heading in rendered.headings:
        assert f'id="{heading.id}"' in rendered.html
        assert f'href="#{heading.id}"' in rendered.html


def test_a_row_that_names_a_field_has_an_id() -> None:
    html = html_of("| Field | Type |\n| --- | --- |\n| `tools[].name` | text |\n| none | x |\n")

    assert '<tr id="tools-name">' in html
    assert html.count("<tr id=") == 1


def test_a_row_of_another_table_has_none() -> None:
    assert "<tr id=" not in html_of("| Status | Type |\n| --- | --- |\n| `400` | text |\n")


def test_alignment_is_a_class_because_the_content_policy_forbids_styles() -> None:
    html = html_of("| A | B | C |\n| --- | ---: | :---: |\n| 1 | 2 | 3 |\n")

    assert "style=" not in html
    assert '<td class="end" data-label="B">2</td>' in html
    assert '<td class="center" data-label="C">3</td>' in html


def test_a_heading_of_a_column_cannot_break_out_of_its_label() -> None:
    html = html_of('| a"><b> | B |\n| --- | --- |\n| 1 | 2 |\n')

    assert "<b>" not in html


def test_an_empty_heading_of_a_column_is_no_heading() -> None:
    html = html_of("| A |  |\n| --- | --- |\n| 1 | 2 |\n")

    assert html.count("<th") - html.count("<thead") == 1


def test_a_long_name_in_a_wide_table_breaks_at_its_joints_and_stays_escaped() -> None:
    html = html_of("| A | B | C | D |\n| --- | --- | --- | --- |\n| `a_b<i>` | 2 | 3 | 4 |\n")

    assert "<code>a_<wbr>b&lt;i&gt;</code>" in html


def test_two_tables_have_different_names() -> None:
    table = "| A | B |\n| --- | --- |\n| 1 | 2 |\n"
    html = html_of(f"{table}\n{table}")

    assert 'aria-label="Table 1: A, B"' in html
    assert 'aria-label="Table 2: A, B"' in html


@pytest.mark.parametrize(("words", "minutes"), [(10, 1), (220, 1), (1100, 5)])
def test_the_time_to_read_is_whole_minutes(words: int, minutes: int) -> None:
    assert render("word " * words, VISITOR).minutes == minutes


def test_neighbouring_samples_become_tabs_and_a_block_alone_does_not() -> None:
    html = html_of("```curl\na\n```\n\n```python\nb\n```\n\nText\n\n```json Title\n{}\n```\n")

    assert html.count('role="tab"') == 2
    assert html.count('class="samples"') == 1
    assert "Title" in html


def test_markup_in_markdown_is_text() -> None:
    assert "<script>" not in html_of("<script>alert(1)</script>\n\n```text\n<b>\n```")


@pytest.mark.parametrize(
    ("rows", "stacks"),
    [
        ("| one | 2 |\n| `cache_read` | 2 |\n", True),
        ("| one | `cache_read` |\n| two | 2 |\n", False),
    ],
    ids=["a name of code", "words"],
)
def test_a_table_of_two_columns_stacks_on_a_phone_if_it_names_code(rows: str, stacks: bool) -> None:
    html = html_of(f"| A | B |\n| --- | --- |\n{rows}")

    assert ('<table class="stacks">' in html) is stacks


def test_indentation_goes_and_code_keeps_its_own() -> None:
    plain, python = "```text\na\n    b\n\n\nc\n```", "```python\nif x:\n    y()\n```"
    html = html_of(f"One\n  two\n\n{plain}\n\n{python}\n")

    assert "a\n    b\n\n\nc" in html
    assert ":\n    y()" in html
    assert not re.search(r"\n +<", html)
