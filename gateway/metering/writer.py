"""One thread per process that writes money, batching whatever queued meanwhile.

While one transaction commits, the next operations gather; they all go into the next one. An idle
process answers after one commit, a busy one shares each commit among many calls.
Submitting is synchronous, so a cancelled call cannot lose its settlement: what was submitted will
be written whether or not anybody still waits for the answer.

While PostgreSQL is away no hold is made, but the calls that have one run to their end: that goes to
the journal, its caller is told the charge, and the ledger hears of it first when it is back.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

import psycopg

from gateway.metering import transactions
from gateway.metering.connections import CONNECTION_LOST, first_line
from gateway.metering.journal import Journal
from gateway.metering.link import Link
from gateway.metering.operations import (
    Close,
    Closed,
    Operation,
    Outcome,
    Release,
    Reserve,
    Reserved,
)
from gateway.metering.transactions import LARGEST_BATCH

logger = logging.getLogger(__name__)

_FIRST_CONNECTION_S = 2.0
# Where several calls came together, more are on their way. A moment's patience makes batches twice
# as large, and saves a fifth of the processor time of every call.
_BUSY_FROM_JOBS = 4
_PATIENCE_S = 0.001


class LedgerAway(Exception):
    """PostgreSQL cannot be reached: no hold was made."""


class _Job(NamedTuple):
    operation: Operation
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"


class Writer:
    """Runs operations against PostgreSQL for any number of event loops.

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
        self._link = Link(conninfo, on_change=self._wake)
        # Not a condition around a list: event loops would wait for its lock while the thread takes
        # what is there. None only wakes the thread.
        self._inbox: SimpleQueue[_Job | None] = SimpleQueue()
        self._jobs: list[_Job] = []
        self._is_stopping = False
        self._is_away = True  # until we have connected and written what was put aside
        self._is_there = threading.Event()  # for the first time
        self._put_aside: list[_Job] = []
        self._thread = threading.Thread(target=self._run, name="money-writer", daemon=True)

    def start(self) -> None:
        """Start the thread; return when holds can be made, or soon if PostgreSQL is away."""
        self._link.start()
        self._thread.start()
        self._is_there.wait(_FIRST_CONNECTION_S)

    def stop(self, *, timeout_s: float = 10.0) -> None:
        """Write what is queued, to the ledger or the journal, then end the thread."""
        self._is_stopping = True
        self._wake()
        self._thread.join(timeout_s)
        self._link.stop()

    def reserve(self, operation: Reserve) -> "asyncio.Future[Reserved]":
        """Ask for a hold. While PostgreSQL is away this fails within a moment, with LedgerAway."""
        if self._is_away or not self._is_protected():
            raise LedgerAway
        return self._submit(operation)

    def close(self, operation: Close) -> "asyncio.Future[Closed]":
        """End a hold. It will be written; with PostgreSQL away the answer is what is planned."""
        return self._submit(operation)

    def release(self, operation: Release) -> None:
        """Void a hold that may or may not have been made; nobody waits for the answer."""
        self._submit(operation)

    def _submit(self, operation: Operation) -> "asyncio.Future[Any]":
        loop = asyncio.get_running_loop()
        job = _Job(operation, loop, loop.create_future())
        self._inbox.put(job)
        return job.future

    def _wake(self) -> None:
        self._inbox.put(None)

    # --- the thread ---------------------------------------------------------------------------

    def _run(self) -> None:
        while self._wait():
            try:
                self._do_next()
            except CONNECTION_LOST as error:
                logger.error("the ledger is away: %s", first_line(error))
                self._lose_ledger()
            except Exception:
                # This thread is all that writes money: whatever it is, go on, and try again.
                logger.exception("the ledger's writer stumbled")
                self._lose_ledger()
        if self._put_aside:
            logger.critical("never written: %s", [job.operation for job in self._put_aside])

    def _lose_ledger(self) -> None:
        self._is_away = True
        self._link.drop()

    def _wait(self) -> bool:
        """Wait for something to do; False once we are stopping and nothing can be done."""
        self._empty_inbox()
        while not (self._jobs or self._can_catch_up() or self._link.is_broken):
            if self._is_stopping:
                self._empty_inbox()  # what came before the stop may have come after the first look
                return bool(self._jobs)
            self._accept(self._inbox.get())
            self._empty_inbox()
        if len(self._jobs) >= _BUSY_FROM_JOBS:
            time.sleep(_PATIENCE_S)
            self._empty_inbox()
        return True

    def _empty_inbox(self) -> None:
        with suppress(Empty):
            while True:
                self._accept(self._inbox.get_nowait())

    def _accept(self, job: _Job | None) -> None:
        if job is not None:
            self._jobs.append(job)

    def _can_catch_up(self) -> bool:
        return self._is_away and self._link.connection is not None

    def _do_next(self) -> None:
        if self._link.is_broken:
            raise psycopg.OperationalError("the connection broke while nothing was written")
        if self._can_catch_up():
            self._catch_up()
        elif self._is_away:
            self._keep(self._take(), may_be_written=False)
        else:
            self._write(self._take())

    def _take(self) -> list[_Job]:
        jobs = self._jobs[:LARGEST_BATCH]
        del self._jobs[:LARGEST_BATCH]
        return jobs

    def _write(self, jobs: Sequence[_Job]) -> None:
        try:
            _answer(jobs, self._commit([job.operation for job in jobs]))
        except CONNECTION_LOST:
            self._keep(jobs, may_be_written=True)
            raise

    def _commit(self, operations: Sequence[Operation]) -> Sequence[Outcome | Exception]:
        connection = self._link.connection
        assert connection is not None, "only this thread drops the connection"
        with self._link.asking():
            return transactions.write(connection, operations, owner=self._owner)

    def _catch_up(self) -> None:
        """Write what the journal and we have kept; only then are new holds made."""
        connection = self._link.connection
        assert connection is not None, "only this thread drops the connection"
        if self._journal is not None and not self._journal.is_empty:
            with self._link.asking():
                closes = self._journal.read().closes
                failed = transactions.replay(connection, closes, owner=self._owner)
            self._journal.clear(failed=failed)
            logger.warning("replayed %d ends of calls from the journal", len(closes))
        if self._put_aside:
            _answer(self._put_aside, self._commit([job.operation for job in self._put_aside]))
            self._put_aside = []
        self._is_away = False
        self._is_there.set()
        logger.info("the ledger is there")

    def _keep(self, jobs: Sequence[_Job], *, may_be_written: bool) -> None:
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
                _tell(job.loop, [(job.future, LedgerAway())])
                if may_be_written:
                    self._put_aside.append(_release_of(job))
        if ends and not self._journalled(ends):
            self._put_aside += ends

    def _journalled(self, jobs: Sequence[_Job]) -> bool:
        closes = [job.operation for job in jobs if isinstance(job.operation, Close)]
        if self._journal is None:
            return False
        try:
            self._journal.append(closes)
        except (OSError, ValueError) as error:  # no room on the disk; text that is not Unicode
            logger.error("%d ends of calls are in memory alone: %s", len(closes), error)
            return False
        _answer(jobs, [close.planned() for close in closes])
        return True


def _release_of(job: _Job) -> _Job:
    operation = Release(job.operation.id, job.operation.workspace_id)
    return _Job(operation, job.loop, job.future)  # the future is done: nobody waits


def _answer(jobs: Sequence[_Job], outcomes: Sequence[Outcome | Exception]) -> None:
    """Hand the outcomes to the event loops: one wake-up per loop, not one per call."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Told]] = {}
    for job, outcome in zip(jobs, outcomes, strict=True):
        by_loop.setdefault(job.loop, []).append((job.future, outcome))
    for loop, told in by_loop.items():
        _tell(loop, told)


_Told = tuple["asyncio.Future[Any]", Outcome | Exception]


def _tell(loop: asyncio.AbstractEventLoop, told: "Sequence[_Told]") -> None:
    with suppress(RuntimeError):  # the loop has ended, and with it whoever waited
        loop.call_soon_threadsafe(_resolve, told)


def _resolve(told: "Sequence[_Told]") -> None:
    for future, outcome in told:
        if future.done():
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
