"""What changed for callers: entries from files, as a documentation page and as an Atom feed.

CHANGELOG.md is for operators as well; these entries are for people who call the API.
"""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.utils.feedgenerator import Atom1Feed

from docs_site.boxes.reader import Reader
from docs_site.rendering.html import render
from docs_site.source.file_stamps import Stamp, stamp
from docs_site.source.markdown import slug
from docs_site.source.page import Page
from web.operator import operator

FOLDER = Path(__file__).resolve().parents[1] / "changelog_entries"
_NAME = re.compile(r"(\d{4}-\d\d-\d\d)-[a-z0-9-]+\.md")
_ADDRESS = "/docs/changelog"
FEED_ADDRESS = "/docs/changelog.atom"


class Entry(NamedTuple):
    """A change: its file is named by its day, and begins with `# ` and its title."""

    on: date
    title: str
    body: str

    @property
    def url(self) -> str:
        """Its place on the page."""
        return f"{settings.PUBLIC_URL}{_ADDRESS}#{slug(self.title)}"


def entries() -> tuple[Entry, ...]:
    """Return all entries, the newest first."""
    return _entries(stamp(FOLDER.glob("*.md")))


@lru_cache(maxsize=1)
def _entries(_: Stamp) -> tuple[Entry, ...]:
    return tuple(_entry(path) for path in sorted(FOLDER.glob("*.md"), reverse=True))


def _entry(path: Path) -> Entry:
    """Read a file; raise ValueError if its name or its first line is not of `Entry`'s form."""
    name = _NAME.fullmatch(path.name)
    first, _, body = path.read_text(encoding="utf-8").partition("\n")
    if name is None or not first.startswith("# "):
        raise ValueError(f"{path.name}: not an entry of the changelog")
    return Entry(date.fromisoformat(name[1]), first[2:].strip(), body.strip())


def pages() -> Iterable[Page]:
    """Return the page."""
    every = entries()
    parts = [f"New entries come as an [Atom feed]({FEED_ADDRESS})."]
    parts += [f"## {one.title}\n\n*{one.on:%-d %B %Y}*\n\n{one.body}" for one in every]
    yield Page(
        slug="changelog",
        title="Changelog",
        description="What changed for callers of the API.",
        section="About",
        order=10,
        updated=every[0].on,
        body="\n\n".join(parts) + "\n",
    )


def feed() -> str:
    """Return the entries as Atom (RFC 4287)."""
    address = f"{settings.PUBLIC_URL}{_ADDRESS}"
    atom = Atom1Feed(
        title="Caicaini changelog",
        link=address,
        description="What changed for callers of the API.",
        language="en",
        feed_url=f"{settings.PUBLIC_URL}{FEED_ADDRESS}",
        author_name=operator().name or "Caicaini",
    )
    for entry in entries():
        moment = datetime.combine(entry.on, time(), UTC)
        atom.add_item(
            title=entry.title,
            link=entry.url,
            description=_absolute(render(entry.body, Reader(is_signed_in=False)).html),
            unique_id=entry.url,
            pubdate=moment,
            updateddate=moment,
        )
    return atom.writeString("utf-8")


def _absolute(html: str) -> str:
    """Return HTML whose links lead somewhere in a feed reader, too."""
    return html.replace('href="/', f'href="{settings.PUBLIC_URL}/')
