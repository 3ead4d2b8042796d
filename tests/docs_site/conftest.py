"""Fixtures for the tests of the documentation."""

from collections.abc import Iterator

import pytest

from docs_site.rendering import computed_blocks
from docs_site.search.current import current


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    """Compute tables and index afresh: each test has a catalogue of its own."""
    computed_blocks.forget()
    current.forget()
    yield
    computed_blocks.forget()
    current.forget()
