"""Every link inside the documentation leads to a page, and every anchor to a place on it."""

import re
from functools import lru_cache
from html import unescape

import pytest
from django.test import Client

from docs_site.library import contents
from docs_site.source.page import Page

pytestmark = pytest.mark.django_db
_HREF = re.compile(r'<a\b[^>]*\shref="([^"]+)"')
_ID = re.compile(r'\sid="([^"]+)"')
_RELATIVE_LINK = re.compile(r"\]\((/[^)\s]*)\)")
_LINK_TO_US = re.compile(r"\]\((?:https://caicaini\.test(/[^)#\s]*))?(#[^)\s]*)?\)")


@lru_cache(maxsize=256)
def html_of(path: str) -> str:
    answer = Client().get(path)
    assert answer.status_code in {200, 302}, f"{path}: {answer.status_code}"
    return answer.content.decode()


def fault_of(link: str, *, page: str) -> str | None:
    """Return what is wrong with a link on a page, or None."""
    path, _, anchor = unescape(link).partition("#")
    if path.startswith(("http", "mailto:")):
        return None
    target = path or page
    if anchor and anchor not in _ID.findall(html_of(target)):
        return f"{page} links to {link}, where nothing has this id"
    html_of(target)
    return None


@pytest.mark.parametrize("page", contents.pages(), ids=lambda page: page.slug)
def test_links_and_anchors_of_a_page_resolve(page: Page) -> None:
    links = set(_HREF.findall(html_of(page.url)))

    assert links
    assert [fault for link in links if (fault := fault_of(link, page=page.url))] == []


@pytest.mark.parametrize("page", contents.pages(), ids=lambda page: page.slug)
def test_no_two_elements_of_a_page_have_the_same_id(page: Page) -> None:
    ids = _ID.findall(html_of(page.url))

    assert sorted(set(ids)) == sorted(ids)


@pytest.mark.parametrize("page", contents.pages(), ids=lambda page: page.slug)
def test_links_in_the_markdown_resolve_and_lead_to_markdown(client: Client, page: Page) -> None:
    """A program reads one Markdown page after the other, and a copied page has no address."""
    markdown = client.get(page.markdown_url).text
    html_pages = {one.url for one in contents.pages()}

    assert _RELATIVE_LINK.findall(markdown) == []
    for link, anchor in _LINK_TO_US.findall(markdown):
        assert link not in html_pages
        html_page = link.removesuffix(".md")
        if html_page in html_pages:
            assert client.get(link).headers["Content-Type"].startswith("text/markdown")
            link = html_page
        assert fault_of(f"{link}{anchor}", page=page.url) is None
