"""The writer: batches all operations of a process and sends them to PostgreSQL one after another.

While one batch is with PostgreSQL the next operations queue, and they all go into the next batch.
An idle process answers after one commit, a busy one shares each commit among many calls. Submitting
is synchronous, so a cancelled call cannot lose its settlement: a submitted operation is written
whether or not its caller still waits.

While PostgreSQL is unavailable no hold is made, but calls that have one run to their end: their
settlements go to the journal, their callers receive the expected charge, and the journal is
replayed before anything else once PostgreSQL has recovered.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

import psycopg

from gateway.metering import apply_call
from gateway.metering.connections import is_unavailable
from gateway.metering.journal import Journal
from gateway.metering.operations import (
    Hold,
    HoldResult,
    Operation,
    Outcome,
    Settle,
    SettleResult,
    Void,
)
from gateway.metering.outage_buffer import OutageBuffer
from gateway.metering.pending import (
    LedgerUnreachable,
    PendingOperation,
    resolve,
    resolve_all,
    void_of,
)
from gateway.metering.pq_channel import PqChannel
from gateway.metering.reconnect_backoff import ReconnectBackoff
from gateway.metering.writer_connection import WriterConnection

logger = logging.getLogger(__name__)

_FIRST_CONNECTION_S = 2.0
_STOP_STEP_S = 2.0


class LedgerWriter:
    """Applies the operations of one event loop's calls.

    At most one task is under way: a batch with PostgreSQL, or, in a thread since it may take long,
    writing to the journal or catching up after an outage. When it ends the next one begins; if
    there is none the writer is idle. An operation submitted then starts a batch at the event loop's
    next iteration, so that operations submitted together share it. A connection that breaks while
    the writer is idle only leaves it without one; `WriterConnection` calls back when there is
    another.

    `journal` is passed to the outage buffer. `is_protected` tells whether our holds are safe from
    other processes' reapers.
    """

    def __init__(
        self,
        *,
        conninfo: str,
        owner: int,
        journal: Journal | None,
        is_protected: Callable[[], bool],
    ) -> None:
        self._owner = owner
        self._is_protected = is_protected
        self._connection = WriterConnection(conninfo, on_connect=self._on_connect)
        self._loop: asyncio.AbstractEventLoop
        self._queue: deque[PendingOperation] = deque()
        self._one_by_one: deque[PendingOperation] = deque()  # each to be sent in its own batch
        self._sent: Sequence[PendingOperation] = ()  # the batch with PostgreSQL
        self._outage_buffer = OutageBuffer(journal=journal, owner=owner)
        # None while PostgreSQL is unavailable: until we have connected and caught up.
        self._channel: PqChannel | None = None
        self._is_stopping = False  # from then on nothing is sent to PostgreSQL
        self._backoff = ReconnectBackoff()
        self._has_connected = asyncio.Event()
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._task: asyncio.Task[None] | None = None  # asyncio itself keeps weak references only

    async def start(self) -> None:
        """Begin to connect; return when holds can be made, or after 2 s without PostgreSQL."""
        self._loop = asyncio.get_running_loop()
        self._connection.start()
        with suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_CONNECTION_S):
                await self._has_connected.wait()

    async def stop(self, *, timeout_s: float = 10.0) -> None:
        """Write the queue to the ledger or the journal, then close the connection."""
        await self._idle_within(timeout_s)
        self._is_stopping = True
        if not self._is_idle.is_set():
            self._interrupt()
        await self._idle_within(_STOP_STEP_S)
        # Only now: libpq would read freed memory if a thread still used the connection.
        self._close_channel()
        await asyncio.to_thread(self._connection.stop)
        await self._idle_within(_STOP_STEP_S)
        self._outage_buffer.stop()
        unsaved = self._outage_buffer.unsaved
        unwritten = [*self._sent, *self._one_by_one, *self._queue, *unsaved]
        # Other processes void the holds that are left once this one is gone.
        settles = [one.operation for one in unwritten if isinstance(one.operation, Settle)]
        if settles:
            logger.critical("never written: %s", settles)

    async def _idle_within(self, timeout_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._is_idle.wait()

    def _interrupt(self) -> None:
        """Fail the batch or the catching-up under way, as if the connection had broken."""
        if self._channel is None:
            self._connection.cut()
        else:
            self._receive(psycopg.OperationalError("no answer before the writer stopped"))

    @property
    def makes_holds(self) -> bool:
        """Whether the ledger is available to new calls; may be read in any thread."""
        return self._channel is not None and self._is_protected()

    def is_answering(self) -> bool:
        """Whether PostgreSQL is available, as far as is known; have that checked within a moment.

        For others that wait for an answer: PostgreSQL may only be busy.
        """
        self._connection.check_soon()
        return self._channel is not None

    def hold(self, operation: Hold) -> "asyncio.Future[HoldResult]":
        """Make a hold. Raises LedgerUnreachable, here or from the future, within a moment while
        PostgreSQL is unavailable."""
        if not self.makes_holds:
            raise LedgerUnreachable
        return self._submit(operation)

    def settle(self, operation: Settle) -> "asyncio.Future[SettleResult]":
        """End a hold; this will be written. While PostgreSQL is unavailable the result is the
        expected one."""
        return self._submit(operation)

    def void(self, operation: Void) -> None:
        """Void a hold that may or may not have been made; there is no result to wait for."""
        self._submit(operation)

    def _submit(self, operation: Operation) -> "asyncio.Future[Any]":
        future = self._loop.create_future()
        self._queue.append(PendingOperation(operation, future))
        self._wake()
        return future

    def _on_connect(self) -> None:
        """Runs in the watchdog's thread."""
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        """If idle, start the next task an iteration later: what comes together shares a batch."""
        if self._is_idle.is_set():
            self._is_idle.clear()
            self._loop.call_soon(self._next)

    def _next(self) -> None:
        """Start the next task. To be called at the end of the one before."""
        connection = None if self._is_stopping else self._connection.current
        if self._channel is None and connection is not None:
            self._start(self._catch_up(connection))
        elif not (self._queue or self._one_by_one):
            self._is_idle.set()
        elif self._channel is None:
            self._start(self._outage_buffer.add(self._take_all(), may_be_written=False))
        else:
            self._send(self._channel, self._take_batch())

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._task = self._loop.create_task(self._run(work))

    async def _run(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            # Nothing else writes money in this process, so any error is retried.
            logger.exception("the ledger writer failed unexpectedly")
            self._lose_ledger(error)
        self._next()

    def _take_batch(self) -> list[PendingOperation]:
        if self._one_by_one:
            return [self._one_by_one.popleft()]
        length = apply_call.batch_length(pending.operation for pending in self._queue)
        batch = list(islice(self._queue, length))
        for _ in batch:
            self._queue.popleft()
        return batch

    def _take_all(self) -> list[PendingOperation]:
        batch = [*self._one_by_one, *self._queue]
        self._one_by_one.clear()
        self._queue.clear()
        return batch

    def _send(self, channel: PqChannel, batch: list[PendingOperation]) -> None:
        self._sent = batch
        self._connection.begin_wait()
        operations = [pending.operation for pending in batch]
        try:
            channel.send(apply_call.parameters(operations, owner=self._owner))
        except Exception as error:  # noqa: BLE001 (text that is not Unicode, a broken connection)
            # Not from here: with many such batches in a row the calls would nest.
            self._loop.call_soon(self._send_failed, channel, error)

    def _send_failed(self, channel: PqChannel, error: Exception) -> None:
        if channel is self._channel:  # the connection may have broken since
            self._receive(error)

    def _receive(self, answer: bytes | Exception) -> None:
        """Process the answer to the batch, or the connection's end, with or without a batch."""
        self._connection.end_wait()
        batch, self._sent = self._sent, ()
        outcomes = _decoded(answer, len(batch))
        if isinstance(outcomes, Exception) and is_unavailable(outcomes):
            self._lose_ledger(outcomes)
            if batch:  # an idle writer finds it unavailable with the next operation
                self._start(self._outage_buffer.add(batch, may_be_written=True))
            return
        if isinstance(outcomes, Exception):
            self._rejected(batch, outcomes)
            self._next()
        else:
            self._next()  # first: PostgreSQL works while we wake the callers
            if self._backoff.is_unproven:
                self._backoff.batch_written()
            resolve_all(batch, outcomes)

    def _rejected(self, batch: Sequence[PendingOperation], error: Exception) -> None:
        """One operation fails its whole batch, so send each by itself."""
        if len(batch) > 1:
            logger.error("a batch of %d operations failed", len(batch), exc_info=error)
            self._one_by_one.extend(batch)
            return
        for pending in batch:
            logger.error("operation failed: %s", pending.operation, exc_info=error)
            resolve(pending, error)
            if isinstance(pending.operation, Settle):
                # While the hold's owner lives, no reaper would ever void it.
                self._one_by_one.appendleft(void_of(pending))

    def _lose_ledger(self, error: Exception) -> None:
        self._close_channel()
        self._connection.drop(pause_s=self._backoff.lost(error, now=self._loop.time()))

    def _close_channel(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    async def _catch_up(self, connection: "psycopg.Connection[Any]") -> None:
        """Write everything that was kept; only then are new holds made."""
        try:
            with self._connection.waiting():
                await self._outage_buffer.catch_up(connection)
        except psycopg.Error as error:  # of any kind: the migrations may not have been run
            self._lose_ledger(error)
            return
        self._backoff.recovered(now=self._loop.time())
        self._channel = PqChannel(connection, on_answer=self._receive)
        self._has_connected.set()


def _decoded(answer: bytes | Exception, count: int) -> Sequence[Outcome] | Exception:
    if isinstance(answer, Exception):
        return answer
    try:
        return apply_call.outcomes(answer, count)
    except psycopg.OperationalError as error:
        return error
