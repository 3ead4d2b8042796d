"""Operations that cannot be written while PostgreSQL is unavailable: kept, and replayed first.

Settlements go to the journal on this machine's disk, and their callers receive the expected result.
A settlement that no journal accepts waits in memory, and so does its caller.
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
from gateway.metering.pending import (
    LedgerUnreachable,
    PendingOperation,
    resolve,
    resolve_all,
    void_of,
)
from gateway.metering.pq_channel import prepare

logger = logging.getLogger(__name__)


class OutageBuffer:
    """Its work runs in a thread, since disk and network may be slow; one task at a time.

    `journal` is None where there is no disk to write to.
    """

    def __init__(self, *, journal: Journal | None, owner: int) -> None:
        self._journal = journal
        self._owner = owner
        self._on_way_to_journal: Sequence[PendingOperation] = ()
        self._in_memory: list[PendingOperation] = []
        # A pool of its own: in the event loop's, a name resolution that hangs would come first.
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="outage-buffer")

    @property
    def unsaved(self) -> Sequence[PendingOperation]:
        """The operations that would be lost with this process."""
        return [*self._on_way_to_journal, *self._in_memory]

    def stop(self) -> None:
        """Start no further work."""
        self._executor.shutdown(wait=False)

    async def add(self, batch: Sequence[PendingOperation], *, may_be_written: bool) -> None:
        """Refuse holds, keep settlements and voids.

        With `may_be_written` the batch was sent and its result is unknown: a hold that was refused
        may exist, so it is voided once PostgreSQL has recovered.
        """
        settlements = []
        for pending in batch:
            if isinstance(pending.operation, Settle):
                settlements.append(pending)
            elif isinstance(pending.operation, Void):
                self._in_memory.append(pending)
            else:
                resolve(pending, LedgerUnreachable())
                if may_be_written:
                    self._in_memory.append(void_of(pending))
        if settlements:
            await self._add_settlements(settlements)

    async def catch_up(self, connection: psycopg.Connection[Any]) -> None:
        """Prepare a new connection for batches and write everything kept through it.

        Raises psycopg's errors, and then everything is still kept.
        """
        loop = asyncio.get_running_loop()
        outcomes = await loop.run_in_executor(self._executor, self._write, connection)
        resolve_all(self._in_memory, outcomes)
        self._in_memory = []

    def _write(self, connection: psycopg.Connection[Any]) -> Sequence[Outcome | Exception]:
        """In the thread; return the outcomes of the operations in memory."""
        prepare(connection, apply_call.APPLY)
        blocking_apply.try_out(connection, owner=self._owner)
        if self._journal is not None and not self._journal.is_empty:
            self._replay(connection, self._journal)
        operations = [pending.operation for pending in self._in_memory]
        return blocking_apply.write(connection, operations, owner=self._owner)

    def _replay(self, connection: psycopg.Connection[Any], journal: Journal) -> None:
        try:
            settles = journal.read().settles
            rejected = blocking_apply.replay(connection, settles, owner=self._owner)
            journal.clear(rejected=rejected)
        except OSError as error:  # retried at the next catch-up; calls need not wait for it
            logger.error("the journal cannot be processed: %s", error)
        else:
            logger.warning("replayed %d settlements from the journal", len(settles))

    async def _add_settlements(self, batch: Sequence[PendingOperation]) -> None:
        self._on_way_to_journal = batch
        settles = [pending.operation for pending in batch if isinstance(pending.operation, Settle)]
        loop = asyncio.get_running_loop()
        try:
            are_on_disk = await loop.run_in_executor(self._executor, self._append, settles)
        except RuntimeError:  # the executor was stopped
            are_on_disk = [False] * len(batch)
        for pending, settle, is_on_disk in zip(batch, settles, are_on_disk, strict=True):
            if is_on_disk:
                resolve(pending, settle.expected_result())
            else:
                self._in_memory.append(pending)
        self._on_way_to_journal = ()

    def _append(self, settles: Sequence[Settle]) -> list[bool]:
        """In the thread; return for each whether it is on the disk."""
        if self._journal is None:
            return [False] * len(settles)
        try:
            self._journal.append(settles)
        except Exception as error:  # noqa: BLE001 (no room, text that is not Unicode, …)
            if len(settles) > 1 and not isinstance(error, OSError):  # one spoils the others
                return [is_on_disk for settle in settles for is_on_disk in self._append([settle])]
            logger.error("%d settlements are only in memory: %s", len(settles), error)
            return [False] * len(settles)
        return [True] * len(settles)
