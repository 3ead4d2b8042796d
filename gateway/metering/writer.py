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
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from typing import Any, NamedTuple

import psycopg

from gateway.metering import statement, transactions
from gateway.metering.connections import is_away
from gateway.metering.journal import Journal
from gateway.metering.link import Link
from gateway.metering.losses import Losses
from gateway.metering.operations import (
    Close,
    Closed,
    Operation,
    Outcome,
    Release,
    Reserve,
    Reserved,
)
from gateway.metering.wire import Wire, prepare

logger = logging.getLogger(__name__)

_FIRST_CONNECTION_S = 2.0
_LAST_WORDS_S = 2.0


class LedgerAway(Exception):
    """PostgreSQL cannot be reached: no hold was made."""


class _Job(NamedTuple):
    operation: Operation
    future: "asyncio.Future[Any]"


class Writer:
    """Runs operations against PostgreSQL for the calls of one event loop.

    One thing is under way at a time: a batch with PostgreSQL, or, in a thread since it may take
    long, writing to the journal, or catching up after an outage. At its end the next one begins,
    and if there is none we are idle. What is submitted then begins at the event loop's next turn:
    what comes together goes together. A connection that breaks while nothing is with PostgreSQL
    changes nothing but that there is none: the link wakes us when there is another.

    `journal` is None where there is no disk to write on; ends of calls then wait in memory.
    `is_protected` says whether the reaper lets our holds stand.
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
        self._journal = journal
        self._is_protected = is_protected
        self._link = Link(conninfo, on_connect=self._link_is_up)
        self._loop: asyncio.AbstractEventLoop
        self._jobs: deque[_Job] = deque()
        self._alone: deque[_Job] = deque()  # each to be asked in a batch of its own
        self._in_hand: Sequence[_Job] = ()  # with PostgreSQL, or on the way to the journal
        self._put_aside: list[_Job] = []
        # None while PostgreSQL is away: until we have connected and written what was put aside.
        self._wire: Wire | None = None
        self._is_stopping = False  # and asks nothing of PostgreSQL any more
        self._losses = Losses()
        self._is_there = asyncio.Event()  # for the first time
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._task: asyncio.Task[None] | None = None  # the event loop would let it be collected
        # Our own: in the event loop's, name resolution that hangs could stand before us.
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="money-writer")

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
        self._executor.shutdown(wait=False)
        unwritten = [*self._in_hand, *self._alone, *self._jobs, *self._put_aside]
        # What is still held besides is released by others once we are gone.
        if ends := [job.operation for job in unwritten if isinstance(job.operation, Close)]:
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

    def reserve(self, operation: Reserve) -> "asyncio.Future[Reserved]":
        """Ask for a hold. While PostgreSQL is away this fails within a moment, with LedgerAway."""
        if self._wire is None or not self._is_protected():
            raise LedgerAway
        return self._submit(operation)

    def close(self, operation: Close) -> "asyncio.Future[Closed]":
        """End a hold. It will be written; with PostgreSQL away the answer is what is planned."""
        return self._submit(operation)

    def release(self, operation: Release) -> None:
        """Void a hold that may or may not have been made; nobody waits for the answer."""
        self._submit(operation)

    def _submit(self, operation: Operation) -> "asyncio.Future[Any]":
        future = self._loop.create_future()
        self._jobs.append(_Job(operation, future))
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
            self._begin(self._keep(self._take_all(), may_be_written=False))
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

    def _take(self) -> list[_Job]:
        if self._alone:
            return [self._alone.popleft()]
        length = statement.batch_length(job.operation for job in self._jobs)
        batch = list(islice(self._jobs, length))
        for _ in batch:
            self._jobs.popleft()
        return batch

    def _take_all(self) -> list[_Job]:
        jobs = [*self._alone, *self._jobs]
        self._alone.clear()
        self._jobs.clear()
        return jobs

    def _ask(self, wire: Wire, jobs: list[_Job]) -> None:
        self._in_hand = jobs
        self._link.begin_asking()
        try:
            wire.ask(statement.parameters([job.operation for job in jobs], owner=self._owner))
        except Exception as error:  # noqa: BLE001 (a text that is no Unicode, a broken connection)
            self._loop.call_soon(self._failed, wire, error)  # not from within: they could be many

    def _failed(self, wire: Wire, error: Exception) -> None:
        if wire is self._wire:  # it may have been heard to break since
            self._hear(error)

    def _hear(self, said: bytes | Exception) -> None:
        """Take PostgreSQL's answer to what was asked, or the connection's end, asked or not."""
        self._link.end_asking()
        jobs, self._in_hand = self._in_hand, ()
        answer = _understood(said, len(jobs))
        if isinstance(answer, Exception) and is_away(answer):
            self._lose_ledger(answer)
            if jobs:  # otherwise nothing was under way, and whatever comes next finds it lost
                self._begin(self._keep(jobs, may_be_written=True))
            return
        if isinstance(answer, Exception):
            self._refused(jobs, answer)
            self._go_on()
        else:
            self._go_on()  # first: PostgreSQL works while we wake those that waited
            if self._losses.is_doubted:
                self._losses.took_a_batch()
            _answer(jobs, answer)

    def _refused(self, jobs: Sequence[_Job], error: Exception) -> None:
        """Where one operation spoils the others, ask for each alone."""
        if len(jobs) > 1:
            logger.error("a batch of %d operations failed", len(jobs), exc_info=error)
            self._alone.extend(jobs)
            return
        for job in jobs:
            logger.error("operation failed: %s", job.operation, exc_info=error)
            _resolve(job.future, error)
            if isinstance(job.operation, Close):
                # Its owner lives, so no reaper would ever free what it holds.
                self._alone.appendleft(_release_of(job))

    def _lose_ledger(self, error: Exception) -> None:
        self._listen_no_more()
        self._link.drop(pause_s=self._losses.lost(error, now=self._loop.time()))

    def _listen_no_more(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    async def _catch_up(self, connection: "psycopg.Connection[Any]") -> None:
        """Write what the journal and we have kept; only then are new holds made."""
        try:
            outcomes = await self._loop.run_in_executor(
                self._executor, self._write_what_was_kept, connection
            )
        except psycopg.Error as error:  # of any kind: the migrations may not have been run
            self._lose_ledger(error)
            return
        _answer(self._put_aside, outcomes)
        self._put_aside = []
        self._losses.came_back(now=self._loop.time())
        self._wire = Wire(connection, hear=self._hear)
        self._is_there.set()

    def _write_what_was_kept(
        self, connection: "psycopg.Connection[Any]"
    ) -> Sequence[Outcome | Exception]:
        """In a thread; return what became of what was put aside."""
        with self._link.asking():
            prepare(connection, statement.APPLY)
            transactions.try_out(connection, owner=self._owner)
            if self._journal is not None and not self._journal.is_empty:
                self._replay(connection, self._journal)
            operations = [job.operation for job in self._put_aside]
            return transactions.write(connection, operations, owner=self._owner)

    def _replay(self, connection: "psycopg.Connection[Any]", journal: Journal) -> None:
        try:
            closes = journal.read().closes
            failed = transactions.replay(connection, closes, owner=self._owner)
            journal.clear(failed=failed)
        except OSError as error:  # it stays as it is for the next time; calls need not wait for it
            logger.error("the journal cannot be worked off: %s", error)
        else:
            logger.warning("replayed %d ends of calls from the journal", len(closes))

    async def _keep(self, jobs: Sequence[_Job], *, may_be_written: bool) -> None:
        """Refuse what asks for a hold, keep what ends one.

        When a commit goes unheard, a hold that was refused may exist all the same: it is released
        once PostgreSQL is back.
        """
        ends = []
        for job in jobs:
            if isinstance(job.operation, Close):
                ends.append(job)
            elif isinstance(job.operation, Release):
                self._put_aside.append(job)
            else:
                _resolve(job.future, LedgerAway())
                if may_be_written:
                    self._put_aside.append(_release_of(job))
        if ends:
            await self._keep_ends(ends)

    async def _keep_ends(self, jobs: Sequence[_Job]) -> None:
        self._in_hand = jobs
        closes = [job.operation for job in jobs if isinstance(job.operation, Close)]
        try:
            are_kept = await self._loop.run_in_executor(self._executor, self._journalled, closes)
        except RuntimeError:  # we have been stopped
            are_kept = [False] * len(jobs)
        for job, close, is_kept in zip(jobs, closes, are_kept, strict=True):
            if is_kept:
                _resolve(job.future, close.planned())
            else:
                self._put_aside.append(job)
        self._in_hand = ()

    def _journalled(self, closes: Sequence[Close]) -> list[bool]:
        """In a thread; return of each whether it is on the disk."""
        if self._journal is None:
            return [False] * len(closes)
        try:
            self._journal.append(closes)
        except Exception as error:  # noqa: BLE001 (no room; text that is not Unicode; whatever)
            if len(closes) > 1 and not isinstance(error, OSError):  # one spoils the others
                return [is_kept for close in closes for is_kept in self._journalled([close])]
            logger.error("%d ends of calls are in memory alone: %s", len(closes), error)
            return [False] * len(closes)
        return [True] * len(closes)


def _understood(said: bytes | Exception, count: int) -> Sequence[Outcome] | Exception:
    if isinstance(said, Exception):
        return said
    try:
        return statement.outcomes(said, count)
    except psycopg.OperationalError as error:
        return error


def _release_of(job: _Job) -> _Job:
    operation = Release(job.operation.id, job.operation.workspace_id)
    return _Job(operation, job.future)  # the future is done: nobody waits


def _answer(jobs: Sequence[_Job], outcomes: Sequence[Outcome | Exception]) -> None:
    for job, outcome in zip(jobs, outcomes, strict=True):
        _resolve(job.future, outcome)


def _resolve(future: "asyncio.Future[Any]", outcome: Outcome | Exception) -> None:
    if future.done():  # whoever waited is gone
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
