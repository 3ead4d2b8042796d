"""What cannot be written while PostgreSQL is away: kept, and written first when it is back.

Ends of calls go to the journal, on this machine's disk, and their callers are told what they cost.
What no journal takes waits in memory, and its caller with it.
"""

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg

from gateway.metering import apply_call, blocking_apply
from gateway.metering.journal import Journal
from gateway.metering.operations import Outcome, Settle, Void
from gateway.metering.pending import LedgerUnreachable, PendingOperation, resolve_all, tell, void_of
from gateway.metering.pq_channel import prepare

logger = logging.getLogger(__name__)


class OutageBuffer:
    """Keeps and writes in a thread, since both may take long; one thing at a time.

    `journal` is None where there is no disk to write on.
    """

    def __init__(self, *, journal: Journal | None, owner: int) -> None:
        self._journal = journal
        self._owner = owner
        self._on_the_way: Sequence[PendingOperation] = ()  # to the journal
        self._in_memory: list[PendingOperation] = []
        # Our own: in the event loop's, name resolution that hangs could stand before us.
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="money-keeper")

    @property
    def kept_in_memory(self) -> Sequence[PendingOperation]:
        """What would be lost with this process."""
        return [*self._on_the_way, *self._in_memory]

    def stop(self) -> None:
        """Begin nothing any more."""
        self._executor.shutdown(wait=False)

    async def keep(self, jobs: Sequence[PendingOperation], *, may_be_written: bool) -> None:
        """Refuse what asks for a hold, keep what ends one.

        When a commit goes unheard, a hold that was refused may exist all the same: it is released
        once PostgreSQL is back.
        """
        ends = []
        for job in jobs:
            if isinstance(job.operation, Settle):
                ends.append(job)
            elif isinstance(job.operation, Void):
                self._in_memory.append(job)
            else:
                tell(job, LedgerUnreachable())
                if may_be_written:
                    self._in_memory.append(void_of(job))
        if ends:
            await self._keep_ends(ends)

    async def catch_up(self, connection: psycopg.Connection[Any]) -> None:
        """Prepare a new connection for batches and write through it what was kept.

        Raises psycopg's errors; what was kept still is then.
        """
        loop = asyncio.get_running_loop()
        outcomes = await loop.run_in_executor(self._executor, self._write, connection)
        resolve_all(self._in_memory, outcomes)
        self._in_memory = []

    def _write(self, connection: psycopg.Connection[Any]) -> Sequence[Outcome | Exception]:
        """In the thread; return what became of what was in memory."""
        prepare(connection, apply_call.APPLY)
        blocking_apply.try_out(connection, owner=self._owner)
        if self._journal is not None and not self._journal.is_empty:
            self._replay(connection, self._journal)
        operations = [job.operation for job in self._in_memory]
        return blocking_apply.write(connection, operations, owner=self._owner)

    def _replay(self, connection: psycopg.Connection[Any], journal: Journal) -> None:
        try:
            closes = journal.read().closes
            failed = blocking_apply.replay(connection, closes, owner=self._owner)
            journal.clear(failed=failed)
        except OSError as error:  # it stays as it is for the next time; calls need not wait for it
            logger.error("the journal cannot be worked off: %s", error)
        else:
            logger.warning("replayed %d ends of calls from the journal", len(closes))

    async def _keep_ends(self, jobs: Sequence[PendingOperation]) -> None:
        self._on_the_way = jobs
        closes = [job.operation for job in jobs if isinstance(job.operation, Settle)]
        loop = asyncio.get_running_loop()
        try:
            are_kept = await loop.run_in_executor(self._executor, self._journalled, closes)
        except RuntimeError:  # we have been stopped
            are_kept = [False] * len(jobs)
        for job, close, is_kept in zip(jobs, closes, are_kept, strict=True):
            if is_kept:
                tell(job, close.expected_result())
            else:
                self._in_memory.append(job)
        self._on_the_way = ()

    def _journalled(self, closes: Sequence[Settle]) -> list[bool]:
        """In the thread; return of each whether it is on the disk."""
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
