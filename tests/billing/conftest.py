"""A workspace with credits for every test of money."""

import pytest

from tests.support.books import Books, open_books


@pytest.fixture
def books(db: None) -> Books:
    """A workspace with 1,000 credits."""
    return open_books(1_000)
