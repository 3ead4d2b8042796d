"""What was sent on a connection that was given up must not arrive after what came instead."""

from pathlib import Path

import psycopg

from billing.audit.report import audit
from tests.support.books import Books, database_url
from tests.support.gateway_process import Process
from tests.support.network import Network
from tests.support.waiting import eventually


def count_sessions() -> int:
    """How many sessions write, those among them that nobody listens to any more."""
    with psycopg.connect(database_url()) as other:
        row = other.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE application_name = 'caicaini-writer' AND datname = current_database()"
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_a_reserve_that_arrives_after_its_release_holds_nothing(
    books: Books, network: Network, journals: Path
) -> None:
    with Process(database_url=network.url, journals=journals) as process:
        network.delay()
        assert process.refuses(books.call(700))
        process.await_ledger(books.call(0))
        network.deliver()
        eventually(lambda: count_sessions() == 1, what="the end of the session before")

        assert books.wallet().held == 0
        assert audit().is_ok
