"""The pools of the event loop's connections to PostgreSQL.

They wait for a connection, and for its check, for less than a second: an unavailable database is an
error within a quarter of a second, and its return is noticed within two.
"""

import asyncio
import os
import socket
from contextlib import AsyncExitStack, suppress
from typing import Any

import psycopg
from django.conf import settings
from psycopg_pool import AsyncConnectionPool

from gateway.metering.bounded_connection import AsyncBoundedConnection
from gateway.metering.connections import CONNECT

TIMEOUT_S = 0.2
# A connection that does not answer its check within this time is closed.
_CHECK_TIMEOUT_S = 0.5
# After that the next request makes the pool reconnect; its own retries wait longer and longer.
_RECONNECT_WITHIN_S = 0.1
_STATEMENT_TIMEOUT = "SET statement_timeout = '10s'"


class DatabasePool(AsyncConnectionPool[psycopg.AsyncConnection[Any]]):
    """A pool whose checks end.

    Never call its `wait`: when its time is up it closes the pool for good.
    """

    @staticmethod
    async def check_connection(conn: psycopg.AsyncConnection[Any]) -> None:
        """Check a connection; one that does not answer is cut off, and raises OperationalError.

        A timeout of asyncio would not do: psycopg then asks the same server to cancel the query.
        """
        handle = socket.socket(fileno=os.dup(conn.fileno()))
        cut = asyncio.get_running_loop().call_later(_CHECK_TIMEOUT_S, _cut, handle)
        try:
            await AsyncConnectionPool.check_connection(conn)
        finally:
            cut.cancel()
            handle.close()


async def open_pool(stack: AsyncExitStack, *, name: str) -> DatabasePool:
    """Open a pool that checks each connection before use and bounds its statements."""

    async def bound_statements(connection: psycopg.AsyncConnection[Any]) -> None:
        await connection.execute(_STATEMENT_TIMEOUT)

    async def check(connection: psycopg.AsyncConnection[Any]) -> None:
        try:
            await DatabasePool.check_connection(connection)
        except psycopg.Error:
            await pool.check()  # the other idle connections have probably broken, too
            raise

    pool = DatabasePool(
        settings.DATABASE_URL,
        connection_class=AsyncBoundedConnection,
        min_size=1,
        max_size=4,
        timeout=TIMEOUT_S,
        reconnect_timeout=_RECONNECT_WITHIN_S,
        configure=bound_statements,
        check=check,
        kwargs=CONNECT | {"application_name": f"caicaini-{name}"},
        open=False,
    )
    await pool.open(wait=False)
    stack.push_async_callback(pool.close)
    return pool


def _cut(handle: socket.socket) -> None:
    with suppress(OSError):
        handle.shutdown(socket.SHUT_RDWR)
