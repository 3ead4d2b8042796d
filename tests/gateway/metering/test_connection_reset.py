"""A connection is reset right after PostgreSQL sent something, or loses what was sent on it.

PostgreSQL's fast shutdown sends a message and closes; where a batch was still unread, its system
resets the connection. uvloop calls a reader once for both.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
import uvloop

from billing.audit.report import audit
from gateway.metering.bounded_connection import AsyncBoundedConnection, NoAnswer
from gateway.metering.operations import HoldDecision, SettleResult
from gateway.metering.pending import LedgerUnreachable
from tests.support.books import Books, database_url
from tests.support.gateway_process import Process
from tests.support.network import Network
from tests.support.waiting import eventually

NO_ANSWER = "did not answer a statement in time"
NewEventLoop = Callable[[], asyncio.AbstractEventLoop]


@pytest.fixture(params=[uvloop.new_event_loop, asyncio.new_event_loop], ids=["uvloop", "asyncio"])
def new_event_loop(request: pytest.FixtureRequest) -> NewEventLoop:
    """The event loop of production, and the standard library's."""
    new: NewEventLoop = request.param
    return new


@pytest.fixture
def remote(network: Network, journals: Path, new_event_loop: NewEventLoop) -> Iterator[Process]:
    """A process whose network to PostgreSQL can fail."""
    with Process(
        database_url=network.url, journals=journals, new_event_loop=new_event_loop
    ) as running:
        yield running


def is_asked(text: str) -> bool:
    """Whether a session runs a statement with this text."""
    with psycopg.connect(database_url()) as other:
        row = other.execute(
            "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()"
            " AND datname = current_database() AND query LIKE %s",
            [f"%{text}%"],
        ).fetchone()
    return row is not None


def test_a_batch_ends_when_its_connection_is_reset_after_a_notice(
    books: Books, network: Network, remote: Process, caplog: pytest.LogCaptureFixture
) -> None:
    running, new = remote.admit(books.call(300)), books.call(200)
    with books.locked():
        settled, held = remote.submit(running.settle(120)), remote.submit(new.hold())
        eventually(books.is_waited_for, what="the batch")
        with remote.busy():
            network.reset_after_notice()

        assert settled.result(30) == SettleResult(120, 0)
        with pytest.raises(LedgerUnreachable):
            held.result(30)
    assert NO_ANSWER not in caplog.text

    remote.await_recovery(books.call(0))
    assert (books.wallet().posted, books.wallet().held) == (880, 0)
    assert len(books.usage()) == 1
    assert audit().is_ok


def test_an_idle_connection_is_replaced_when_it_is_reset_after_a_notice(
    books: Books, network: Network, remote: Process, caplog: pytest.LogCaptureFixture
) -> None:
    remote.admit(books.call(1))
    caplog.set_level("INFO")
    caplog.clear()  # the first connection logs the same
    with remote.busy():
        network.reset_after_notice()

    eventually(lambda: "the ledger has recovered" in caplog.text, what="another connection")
    assert not remote.refuses(books.call(1))


@pytest.mark.parametrize("part", ["batch", "answer"])
def test_a_batch_without_an_answer_is_lost_although_postgresql_responds(
    books: Books,
    network: Network,
    remote: Process,
    part: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its hold is refused and voided, its settlement written once, whether or not it arrived."""
    running, new = remote.admit(books.call(300)), books.call(200)
    network.lose_next(part)
    with remote.busy():  # so that both are in one batch
        settled, held = remote.submit(running.settle(120)), remote.submit(new.hold())

    assert settled.result(60) == SettleResult(120, 0)
    with pytest.raises(LedgerUnreachable):
        held.result(60)
    assert NO_ANSWER in caplog.text
    remote.await_recovery(books.call(0))
    assert (books.wallet().posted, books.wallet().held) == (880, 0)
    assert len(books.usage()) == len(books.records()) == 1
    assert audit().is_ok


def test_an_answer_that_came_while_the_process_was_paused_counts(
    books: Books, remote: Process
) -> None:
    """The time without an answer is counted in turns of the event loop."""
    with ExitStack() as paused:
        with books.locked():
            held = remote.submit(books.call(300).hold())
            eventually(books.is_waited_for, what="the batch")
            paused.enter_context(remote.busy())
        time.sleep(8)  # longer than an answer may take

    assert held.result(30).decision is HoldDecision.ADMITTED


def test_a_new_connection_that_does_not_answer_is_replaced(
    books: Books, network: Network, journals: Path
) -> None:
    """A thread waits for it, not the event loop."""
    network.lose_next("answer")  # to the writer's preparation, as it names the statement
    with Process(database_url=network.url, journals=journals) as remote:
        eventually(lambda: not remote.refuses(books.call(0)), what="another connection")


def test_a_pools_statement_ends_when_its_connection_is_reset_after_a_notice(
    network: Network, remote: Process
) -> None:
    async def sleep() -> None:
        async with await AsyncBoundedConnection.connect(network.url) as connection:
            await connection.execute("SELECT pg_sleep(600)")

    asleep = asyncio.run_coroutine_threadsafe(sleep(), remote.loop)
    eventually(lambda: is_asked("pg_sleep"), what="the statement")
    with remote.busy():
        network.reset_after_notice()

    with pytest.raises(psycopg.OperationalError):
        asleep.result(60)


def test_a_pools_statement_without_an_answer_ends(network: Network, remote: Process) -> None:
    async def ask() -> None:
        async with await AsyncBoundedConnection.connect(network.url) as connection:
            network.lose_next("answer")
            await connection.execute("SELECT 'caicaini_writer'")  # the name that is waited for

    asked = asyncio.run_coroutine_threadsafe(ask(), remote.loop)
    with pytest.raises(NoAnswer):
        asked.result(60)
