"""One documentation page, as its file or its generator describes it."""

from datetime import date
from typing import NamedTuple

SECTIONS = ("Getting started", "Guides", "Clients", "Reference", "About")


class Page(NamedTuple):
    """A page; `slug` is its address under /docs, and for a file the file's name.

    `description` may hold inline code; `order` is its place within the section; `body` is Markdown
    with directives (docs_site/rendering/directives.py) and without a heading of the first level.
    """

    slug: str
    title: str
    description: str
    section: str
    order: int
    updated: date | None  # None for a page that is drawn from the running code
    body: str
    first_line: int = 1  # where `body` begins in its file
    language: str = ""  # one of LANGUAGES that its samples are shown in, whatever was chosen before

    @property
    def url(self) -> str:
        """The page's address."""
        return f"/docs/{self.slug}"

    @property
    def markdown_url(self) -> str:
        """The address of its Markdown."""
        return f"{self.url}.md"
