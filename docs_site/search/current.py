"""The index of this process: built from the pages' Markdown, and built again when that changes.

The Markdown holds tables of the catalogue, so it can change while the process runs; it is compared
with the index's at most every CHECKED_EVERY_S seconds.
"""

import time
from threading import Lock

from docs_site.library import contents
from docs_site.rendering import directives
from docs_site.search.entries import entries_of
from docs_site.search.index import Index
from docs_site.source.page import Page

CHECKED_EVERY_S = 30.0

Texts = list[tuple[Page, str]]


class CurrentIndex:
    """The index and the texts that it was built from."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._texts: Texts = []
        self._index = Index(())
        self._checked_at = float("-inf")

    def get(self) -> Index:
        """Return the index; the first call builds it."""
        with self._lock:
            if time.monotonic() - self._checked_at > CHECKED_EVERY_S:
                self._refresh()
            return self._index

    def forget(self) -> None:
        """Compare with the pages at the next call."""
        self._checked_at = float("-inf")

    def _refresh(self) -> None:
        texts = [(page, directives.markdown(page)) for page in contents.pages()]
        if texts != self._texts:
            found = (entry for page, text in texts for entry in entries_of(page, text))
            self._index, self._texts = Index(found), texts
        self._checked_at = time.monotonic()


current = CurrentIndex()
