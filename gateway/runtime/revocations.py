"""Ends the running calls of keys that are revoked, and of workspaces that are removed.

The keys of running calls are looked up together, twice a second: that costs a call nothing,
and ends it well within two seconds. An expired key lets its running calls end.
"""

import asyncio
import logging

import psycopg
from psycopg_pool import PoolTimeout

from gateway.runtime.database_pool import DatabasePool
from gateway.runtime.drain import Drain
from keys import gateway_queries
from server.ending import goes_on

logger = logging.getLogger(__name__)

_EVERY_S = 0.5


class Revocations:
    """Compares the calls that `drain` knows with the keys in the database."""

    def __init__(self, pool: DatabasePool, drain: Drain) -> None:
        self._pool = pool
        self._drain = drain

    async def watch(self) -> None:
        """End calls until cancelled; while the database is unavailable nothing can be revoked."""
        while goes_on():
            await asyncio.sleep(_EVERY_S)
            try:
                await self._end_revoked()
            except (psycopg.Error, PoolTimeout) as error:
                logger.debug("revoked keys not looked up: %s", error)

    async def _end_revoked(self) -> None:
        callers = [call.caller for _, call in self._drain.running()]
        if not callers:
            return
        key_ids = {caller.key_id for caller in callers if caller.key_id is not None}
        workspace_ids = {caller.workspace_id for caller in callers}
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                gateway_queries.GONE, [list(key_ids), list(workspace_ids)]
            )
            gone = {(kind, id) for kind, id in await cursor.fetchall()}
        for task, call in self._drain.running() if gone else ():
            ids = {("key", call.caller.key_id), ("workspace", call.caller.workspace_id)}
            # The charge of a settled call is being written: it has been answered.
            if ids & gone and not call.is_settled and not call.is_cut_by_revocation:
                call.is_cut_by_revocation = True
                task.cancel()
