"""The index of this process: built in a thread at its start, and again when a page's text changes.

The text holds tables of the catalogue, so it can change while the process runs. It is compared with
the index's about every CHECKED_EVERY_S seconds, in a thread too: no search waits for that. Only one
that comes before the first index is complete waits for it.
"""

import logging
import time
from collections.abc import Iterator
from threading import Lock, Thread

from django.db import DatabaseError, connections

from docs_site.library import contents
from docs_site.operator import pages as operator
from docs_site.operator.pages import OperatorPage
from docs_site.rendering import directives
from docs_site.search.entries import entries_of
from docs_site.search.index import Index
from docs_site.source.page import Page

CHECKED_EVERY_S = 30.0

_logger = logging.getLogger(__name__)

Texts = list[tuple[Page | OperatorPage, str]]


class CurrentIndex:
    """The index and the texts that it was built from."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._texts: Texts = []
        self._index = Index(())
        self._checked_at: float | None = None

    def get(self) -> Index:
        """Return the index; if there is none yet, wait for it."""
        if self._checked_at is None:
            with self._lock:
                if self._checked_at is None:
                    self._refresh()
        elif time.monotonic() - self._checked_at > CHECKED_EVERY_S:
            self._checked_at = time.monotonic()  # so that one thread is started
            self.refresh_soon()
        return self._index

    def refresh_soon(self) -> None:
        """Compare with the pages in a thread of its own."""
        Thread(target=self._refresh_in_thread, name="docs-search", daemon=True).start()

    def forget(self) -> None:
        """Compare with the pages at the next call."""
        self._checked_at = None

    def _refresh_in_thread(self) -> None:
        try:
            with self._lock:
                self._refresh()
        except Exception:
            _logger.exception("The index of the documentation could not be built")
        finally:
            connections.close_all()  # this thread's own

    def _refresh(self) -> None:
        texts = [(page, self._text(page)) for page in _pages()]
        if texts != self._texts:
            found = (entry for page, text in texts for entry in entries_of(page, text))
            self._index, self._texts = Index(found), texts
        self._checked_at = time.monotonic()

    def _text(self, page: Page | OperatorPage) -> str:
        """Return a page's Markdown; while PostgreSQL is unavailable, without what it would add."""
        if isinstance(page, OperatorPage):
            return page.body
        try:
            return directives.markdown(page)
        except DatabaseError:
            return directives.without_directives(page)


def _pages() -> Iterator[Page | OperatorPage]:
    yield from contents.pages()
    yield from operator.all_pages()


current = CurrentIndex()
