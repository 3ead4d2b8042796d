"""A process's share of the ledger: its journal, its liveness lock and its writer, as one unit."""

import asyncio
import logging
import secrets
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from gateway.metering import journal
from gateway.metering.journal import Journal
from gateway.metering.ledger_writer import LedgerWriter
from gateway.metering.liveness_lock import LivenessLock
from gateway.metering.reaper import Reaper

logger = logging.getLogger(__name__)


class ProcessLedger:
    """`writer` is for calls. `owner` identifies this process in the holds that it makes.

    `journals` is the folder that all processes of this machine share. `take_used_keys` is passed to
    the liveness lock.
    """

    def __init__(
        self,
        *,
        conninfo: str,
        journals: Path,
        take_used_keys: Callable[[], dict[int, datetime]] = dict,
    ) -> None:
        self.owner = secrets.randbits(62)
        self._journal = _create_journal(journals, self.owner)
        self._liveness_lock = LivenessLock(
            conninfo=conninfo,
            owner=self.owner,
            reaper=Reaper(owner=self.owner, journals=journals),
            take_used_keys=take_used_keys,
        )
        self.writer = LedgerWriter(
            conninfo=conninfo,
            owner=self.owner,
            journal=self._journal,
            is_protected=self._liveness_lock.protects,
        )

    @property
    def has_journal(self) -> bool:
        """Whether settlements survive this process if PostgreSQL becomes unavailable now."""
        return self._journal is not None and self._journal.is_in_place

    async def start(self) -> None:
        """Take the lock that protects our holds, then let them be made."""
        await asyncio.to_thread(self._liveness_lock.start)
        await self.writer.start()

    async def stop(self) -> None:
        """Stop in reverse order. A journal that is not empty is left to the other processes."""
        await self.writer.stop()
        await asyncio.to_thread(self._liveness_lock.stop)
        if self._journal is not None:
            self._journal.close()


def _create_journal(folder: Path, owner: int) -> Journal | None:
    try:
        return journal.create(folder, owner=owner)
    except OSError as error:
        logger.error(
            "no journal, so calls wait for PostgreSQL to settle during an outage: %s", error
        )
        return None
