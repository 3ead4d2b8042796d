"""Writes which upstreams this process stops asking, and which recovered, for operators."""

import asyncio
import logging
from typing import NamedTuple

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from catalogue import gateway_queries

logger = logging.getLogger(__name__)

_MOST_QUEUED = 1_000


class _Change(NamedTuple):
    upstream_id: int
    reason: str


class UpstreamIncidents:
    """Queues changes for a task that writes them. A change that cannot be written is only logged:
    no call waits for this, and the log has it anyway."""

    def __init__(self, pool: "AsyncConnectionPool[psycopg.AsyncConnection]") -> None:
        self._pool = pool
        self._changes: asyncio.Queue[_Change] = asyncio.Queue(_MOST_QUEUED)

    def report(self, upstream_id: int, reason: str) -> None:
        """Queue an incident, or a recovery if `reason` is empty."""
        if not self._changes.full():
            self._changes.put_nowait(_Change(upstream_id, reason))

    async def write(self) -> None:
        """Write what is queued until cancelled."""
        while True:
            change = await self._changes.get()
            try:
                async with self._pool.connection() as connection:
                    await _write(connection, change)
            except (psycopg.Error, PoolTimeout) as error:
                logger.warning("incident of upstream %d not written: %s", change[0], error)


async def _write(connection: psycopg.AsyncConnection, change: _Change) -> None:
    upstream_id, reason = change
    if reason:
        await gateway_queries.record_incident(connection, upstream_id=upstream_id, reason=reason)
    else:
        await gateway_queries.record_recovery(connection, upstream_id=upstream_id)
