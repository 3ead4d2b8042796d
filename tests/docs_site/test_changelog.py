"""People and feed readers follow what changes for callers."""

import xml.etree.ElementTree as ET
from datetime import datetime

import pytest
from django.test import Client
from pytest_django import Settings

from docs_site.library import changelog
from tests.support.reading import text_of

pytestmark = pytest.mark.django_db
ATOM = "{http://www.w3.org/2005/Atom}"


def test_the_page_has_every_entry_the_newest_first(client: Client) -> None:
    text = text_of(client.get("/docs/changelog"))
    places = [text.index(entry.title) for entry in changelog.entries()]

    assert len(places) >= 4
    assert places == sorted(places)
    for entry in changelog.entries():
        assert f"{entry.on:%-d %B %Y}" in text


def test_the_page_names_its_feed(client: Client) -> None:
    html = client.get("/docs/changelog").content.decode()

    assert 'type="application/atom+xml"' in html.partition("</head>")[0]
    assert 'href="/docs/changelog.atom"' in html


def test_the_feed_is_atom_with_absolute_addresses(client: Client, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://caicaini.test"
    answer = client.get("/docs/changelog.atom")
    feed = ET.fromstring(answer.content)  # noqa: S314 (our own text)

    assert answer["Content-Type"] == "application/atom+xml; charset=utf-8"
    assert feed.tag == f"{ATOM}feed"
    for name in ("id", "title", "updated", "author"):
        assert feed.find(f"{ATOM}{name}") is not None
    links = {link.get("rel"): link.get("href") for link in feed.findall(f"{ATOM}link")}
    assert links["self"] == "https://caicaini.test/docs/changelog.atom"
    entries = feed.findall(f"{ATOM}entry")
    assert len(entries) == len(changelog.entries())
    ids = [entry.findtext(f"{ATOM}id") for entry in entries]
    assert len(set(ids)) == len(ids)
    for entry in entries:
        assert datetime.fromisoformat(entry.findtext(f"{ATOM}updated") or "").tzinfo
        assert 'href="/' not in (entry.findtext(f"{ATOM}summary") or "")


def test_an_entry_of_the_feed_leads_to_its_place_on_the_page(client: Client) -> None:
    html = client.get("/docs/changelog").content.decode()

    for entry in changelog.entries():
        assert f'id="{entry.url.partition("#")[2]}"' in html
