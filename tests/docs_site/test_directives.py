"""Directives in a page's Markdown become values, tables and boxes."""

from datetime import date

import pytest
from pytest_django import Settings

from docs_site.rendering import directives
from docs_site.rendering.directives import UnknownDirective
from docs_site.source.page import Page


def a_page(body: str) -> Page:
    return Page("a-page", "A page", "About it.", "Guides", 1, date(2026, 11, 30), body, 8)


def test_a_value_stands_inside_a_line(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://caicaini.test"

    assert directives.markdown(a_page("At {{ public_url }}/v1.")) == "At https://caicaini.test/v1."


def test_braces_that_are_no_directive_stay() -> None:
    text = 'Write `f"{{x}} {y}"` or `{ {"a": 1} }`.'

    assert directives.markdown(a_page(text.replace("{{x}}", "{{ X }}"))) == text.replace(
        "{{x}}", "{{ X }}"
    )


@pytest.mark.parametrize(
    "wrong", ["{{ nothing }}", "{{ sample no-such-sample }}", "{{ answer no-such-sample }}"]
)
def test_a_wrong_directive_names_page_and_line(wrong: str) -> None:
    page = a_page(f"One line.\n\n{wrong}\n")

    with pytest.raises(UnknownDirective, match=r"a-page\.md, line 10: ") as raised:
        directives.markdown(page)
    assert wrong in str(raised.value)
