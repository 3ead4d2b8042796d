"""What writes money: everything a process's calls ask of the ledger, batch after batch.

While one batch is with PostgreSQL, the next operations gather; they all go into the next one. An
idle process answers after one commit, a busy one shares each commit among many calls. Submitting is
synchronous, so a cancelled call cannot lose its settlement: what was submitted will be written
whether or not anybody still waits for the answer.

While PostgreSQL is away no hold is made, but the calls that have one run to their end: that goes to
the journal, its caller is told the charge, and the ledger hears of it first when it is back.
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
from gateway.metering.pending import LedgerUnreachable, PendingOperation, resolve_all, tell, void_of
from gateway.metering.pq_channel import PqChannel
from gateway.metering.reconnect_backoff import ReconnectBackoff
from gateway.metering.writer_connection import WriterConnection

logger = logging.getLogger(__name__)

_FIRST_CONNECTION_S = 2.0
_LAST_WORDS_S = 2.0


class LedgerWriter:
    """Runs operations against PostgreSQL for the calls of one event loop.

    One thing is under way at a time: a batch with PostgreSQL, or, in a thread since it may take
    long, writing to the journal, or catching up after an outage. At its end the next one begins,
    and if there is none we are idle. What is submitted then begins at the event loop's next turn:
    what comes together goes together. A connection that breaks while nothing is with PostgreSQL
    changes nothing but that there is none: the link wakes us when there is another.

    `journal` is the keeper's. `is_protected` says whether the reaper lets our holds stand.
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
        self._link = WriterConnection(conninfo, on_connect=self._link_is_up)
        self._loop: asyncio.AbstractEventLoop
        self._jobs: deque[PendingOperation] = deque()
        self._alone: deque[PendingOperation] = deque()  # each to be asked in a batch of its own
        self._in_hand: Sequence[PendingOperation] = ()  # with PostgreSQL
        self._keeper = OutageBuffer(journal=journal, owner=owner)
        # None while PostgreSQL is away: until we have connected and written what was kept.
        self._wire: PqChannel | None = None
        self._is_stopping = False  # and asks nothing of PostgreSQL any more
        self._losses = ReconnectBackoff()
        self._is_there = asyncio.Event()  # for the first time
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._task: asyncio.Task[None] | None = None  # the event loop would let it be collected

    async def start(self) -> None:
        """Begin to connect; return when holds can be made, or soon if PostgreSQL is away."""
        self._loop = asyncio.get_running_loop()
        self._link.start()
        with suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_CONNECTION_S):
                await self._is_there.wait()

    async def stop(self, *, timeout_s: float = 10.0) -> None:
        """Write what is queued, to the ledger or the journal, and let go of the connection."""
        await self._idle_within(timeout_s)
        self._is_stopping = True
        if not self._is_idle.is_set():
            self._interrupt()
        await self._idle_within(_LAST_WORDS_S)
        # Only now: closed under a thread that talks through it, libpq reads what it has freed.
        self._listen_no_more()
        await asyncio.to_thread(self._link.stop)
        await self._idle_within(_LAST_WORDS_S)
        self._keeper.stop()
        kept = self._keeper.kept_in_memory
        unwritten = [*self._in_hand, *self._alone, *self._jobs, *kept]
        # What is still held besides is released by others once we are gone.
        if ends := [job.operation for job in unwritten if isinstance(job.operation, Settle)]:
            logger.critical("never written: %s", ends)

    async def _idle_within(self, timeout_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._is_idle.wait()

    def _interrupt(self) -> None:
        """Have whatever is with PostgreSQL fail, as if the connection had broken."""
        if self._wire is None:
            self._link.cut()
        else:
            self._hear(psycopg.OperationalError("it did not answer before we stopped"))

    def hold(self, operation: Hold) -> "asyncio.Future[HoldResult]":
        """Ask for a hold. While PostgreSQL is away this fails within a moment, with LedgerAway."""
        if self._wire is None or not self._is_protected():
            raise LedgerUnreachable
        return self._submit(operation)

    def settle(self, operation: Settle) -> "asyncio.Future[SettleResult]":
        """End a hold. It will be written; with PostgreSQL away the answer is what is planned."""
        return self._submit(operation)

    def void(self, operation: Void) -> None:
        """Void a hold that may or may not have been made; nobody waits for the answer."""
        self._submit(operation)

    def _submit(self, operation: Operation) -> "asyncio.Future[Any]":
        future = self._loop.create_future()
        self._jobs.append(PendingOperation(operation, future))
        self._wake()
        return future

    def _link_is_up(self) -> None:
        """In the link's thread."""
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        """Go on if nothing is under way: a moment later, so that what comes together goes so."""
        if self._is_idle.is_set():
            self._is_idle.clear()
            self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        """Begin the next thing. To be called at the end of the one before."""
        connection = None if self._is_stopping else self._link.connection
        if self._wire is None and connection is not None:
            self._begin(self._catch_up(connection))
        elif not (self._jobs or self._alone):
            self._is_idle.set()
        elif self._wire is None:
            self._begin(self._keeper.keep(self._take_all(), may_be_written=False))
        else:
            self._ask(self._wire, self._take())

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self._task = self._loop.create_task(self._run(work))

    async def _run(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            # Nothing else writes money in this process: whatever it is, try again.
            logger.exception("the ledger's writer stumbled")
            self._lose_ledger(error)
        self._go_on()

    def _take(self) -> list[PendingOperation]:
        if self._alone:
            return [self._alone.popleft()]
        length = apply_call.batch_length(job.operation for job in self._jobs)
        batch = list(islice(self._jobs, length))
        for _ in batch:
            self._jobs.popleft()
        return batch

    def _take_all(self) -> list[PendingOperation]:
        jobs = [*self._alone, *self._jobs]
        self._alone.clear()
        self._jobs.clear()
        return jobs

    def _ask(self, wire: PqChannel, jobs: list[PendingOperation]) -> None:
        self._in_hand = jobs
        self._link.begin_asking()
        try:
            wire.ask(apply_call.parameters([job.operation for job in jobs], owner=self._owner))
        except Exception as error:  # noqa: BLE001 (a text that is no Unicode, a broken connection)
            self._loop.call_soon(self._failed, wire, error)  # not from within: they could be many

    def _failed(self, wire: PqChannel, error: Exception) -> None:
        if wire is self._wire:  # it may have been heard to break since
            self._hear(error)

    def _hear(self, said: bytes | Exception) -> None:
        """Take PostgreSQL's answer to what was asked, or the connection's end, asked or not."""
        self._link.end_asking()
        jobs, self._in_hand = self._in_hand, ()
        answer = _understood(said, len(jobs))
        if isinstance(answer, Exception) and is_unavailable(answer):
            self._lose_ledger(answer)
            if jobs:  # otherwise nothing was under way, and whatever comes next finds it lost
                self._begin(self._keeper.keep(jobs, may_be_written=True))
            return
        if isinstance(answer, Exception):
            self._refused(jobs, answer)
            self._go_on()
        else:
            self._go_on()  # first: PostgreSQL works while we wake those that waited
            if self._losses.is_doubted:
                self._losses.took_a_batch()
            resolve_all(jobs, answer)

    def _refused(self, jobs: Sequence[PendingOperation], error: Exception) -> None:
        """Where one operation spoils the others, ask for each alone."""
        if len(jobs) > 1:
            logger.error("a batch of %d operations failed", len(jobs), exc_info=error)
            self._alone.extend(jobs)
            return
        for job in jobs:
            logger.error("operation failed: %s", job.operation, exc_info=error)
            tell(job, error)
            if isinstance(job.operation, Settle):
                # Its owner lives, so no reaper would ever free what it holds.
                self._alone.appendleft(void_of(job))

    def _lose_ledger(self, error: Exception) -> None:
        self._listen_no_more()
        self._link.drop(pause_s=self._losses.lost(error, now=self._loop.time()))

    def _listen_no_more(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    async def _catch_up(self, connection: "psycopg.Connection[Any]") -> None:
        """Write what was kept; only then are new holds made."""
        try:
            with self._link.asking():
                await self._keeper.catch_up(connection)
        except psycopg.Error as error:  # of any kind: the migrations may not have been run
            self._lose_ledger(error)
            return
        self._losses.came_back(now=self._loop.time())
        self._wire = PqChannel(connection, hear=self._hear)
        self._is_there.set()


def _understood(said: bytes | Exception, count: int) -> Sequence[Outcome] | Exception:
    if isinstance(said, Exception):
        return said
    try:
        return apply_call.outcomes(said, count)
    except psycopg.OperationalError as error:
        return error
