"""All documentation pages in their order: files of docs_site/pages and generated ones."""

import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from docs_site.library import changelog
from docs_site.reference import guides, operations
from docs_site.source import front_matter
from docs_site.source.file_stamps import Stamp, stamp
from docs_site.source.page import SECTIONS, Page

FOLDER = Path(__file__).resolve().parents[1] / "pages"


def scanned() -> tuple[Page, ...]:
    """Return the pages of the folder; raise BadFrontMatter."""
    return tuple(front_matter.read(path) for path in FOLDER.glob("*.md"))


# Each returns pages; a generated one is added here.
SOURCES: tuple[Callable[[], Iterable[Page]], ...] = (
    scanned,
    operations.pages,
    guides.pages,
    changelog.pages,
)


class Neighbours(NamedTuple):
    """The pages before and after a page."""

    previous: Page | None
    next: Page | None


def pages() -> tuple[Page, ...]:
    """Return all pages in reading order; an edited file shows within a second."""
    return _pages(_stamp(int(time.monotonic())))


@lru_cache(maxsize=1)
def _stamp(_: int) -> Stamp:
    return stamp(FOLDER.glob("*.md"))


@lru_cache(maxsize=1)
def _pages(_: Stamp) -> tuple[Page, ...]:
    found = (page for source in SOURCES for page in source())
    return tuple(sorted(found, key=lambda page: (SECTIONS.index(page.section), page.order)))


def tree() -> list[tuple[str, list[Page]]]:
    """Return the pages by section; one without pages is left out."""
    return [(name, list(group)) for name, group in groupby(pages(), lambda page: page.section)]


def find(slug: str) -> Page | None:
    """Return the page at this address, or None."""
    return next((page for page in pages() if page.slug == slug), None)


def first_of(section: str) -> Page:
    """Return the first page of a section that has pages."""
    return next(page for page in pages() if page.section == section)


def neighbours(page: Page) -> Neighbours:
    """Return what a reader turns to before and after the page."""
    every = pages()
    at = every.index(page)
    return Neighbours(
        previous=every[at - 1] if at else None,
        next=every[at + 1] if at + 1 < len(every) else None,
    )
