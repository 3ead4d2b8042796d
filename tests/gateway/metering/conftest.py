"""A workspace whose data is committed, and processes that write to its ledger."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.books import Books, database_url, open_books
from tests.support.gateway_process import Process
from tests.support.network import Network, network_to


@pytest.fixture
def books(transactional_db: None) -> Books:
    """A workspace with 1,000 credits."""
    return open_books(1_000)


@pytest.fixture
def journals(tmp_path: Path) -> Path:
    """The folder of journals that all processes of this machine share."""
    return tmp_path / "journal"


@pytest.fixture
def process(books: Books, journals: Path) -> Iterator[Process]:
    """A process that connects to PostgreSQL directly."""
    with Process(database_url=database_url(), journals=journals) as running:
        yield running


@pytest.fixture
def network(books: Books) -> Iterator[Network]:
    """A network to PostgreSQL that can fail."""
    with network_to(database_url()) as network:
        yield network
