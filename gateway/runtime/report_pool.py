"""Connections for reads of the books, shared so that no workspace starves the others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from weakref import WeakValueDictionary

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

_SHORTEST_S = 0.05  # what a request may still wait for a connection after waiting for its share


class ReportPool:
    """A pool of which a workspace uses half at most, and long reports all but one connection.

    Requests beyond that wait in order of arrival, as long as the pool lets a request wait for a
    connection. The connection that is left serves the short reads of all other workspaces.
    """

    def __init__(self, pool: AsyncConnectionPool[psycopg.AsyncConnection[Any]]) -> None:
        self._pool = pool
        self._share = max(1, pool.max_size // 2)
        self._long = asyncio.Semaphore(max(1, pool.max_size - 1))
        # A workspace's share exists while its requests refer to it.
        self._shares: WeakValueDictionary[int, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def connection(
        self, workspace_id: int, *, is_long: bool = False
    ) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        """Lend a connection; raises PoolTimeout, an OperationalError, after the pool's timeout."""
        share = self._shares.setdefault(workspace_id, asyncio.Semaphore(self._share))
        give_up_at = asyncio.get_running_loop().time() + self._pool.timeout
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout_at(give_up_at):
                    await stack.enter_async_context(share)
                    if is_long:
                        await stack.enter_async_context(self._long)
            except TimeoutError:
                raise PoolTimeout("too many reports at the same time") from None
            # Outside of that timeout: cancelled while it checks a connection, the pool loses it.
            left_s = max(_SHORTEST_S, give_up_at - asyncio.get_running_loop().time())
            yield await stack.enter_async_context(self._pool.connection(timeout=left_s))
