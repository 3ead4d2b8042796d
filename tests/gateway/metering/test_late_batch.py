"""A batch sent on a dropped connection must not arrive after those of the new connection."""

from pathlib import Path

import psycopg

from billing.audit.report import audit
from tests.support.books import Books, database_url
from tests.support.gateway_process import Process
from tests.support.network import Network
from tests.support.waiting import eventually


def count_sessions() -> int:
    """Count the writers' sessions, also those whose client has dropped them."""
    with psycopg.connect(database_url()) as other:
        row = other.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE application_name = 'caicaini-writer' AND datname = current_database()"
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_a_hold_that_arrives_after_its_void_holds_nothing(
    books: Books, network: Network, journals: Path
) -> None:
    with Process(database_url=network.url, journals=journals) as process:
        network.delay()
        assert process.refuses(books.call(700))
        process.await_recovery(books.call(0))
        network.deliver()
        eventually(lambda: count_sessions() == 1, what="the old session's end")

        assert books.wallet().held == 0
        assert audit().is_ok
