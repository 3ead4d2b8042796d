"""What a gateway process keeps open while it runs, from its start to its end."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.conf import settings
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from catalogue import snapshot
from catalogue.snapshot import CatalogueSnapshot
from gateway.authentication import KeyRing
from gateway.health import UpstreamHealth
from gateway.metering.lifeline import Lifeline
from gateway.metering.writer import Writer
from gateway.upstream_client import Deadlines, UpstreamClient

logger = logging.getLogger(__name__)

_CATALOGUE_EVERY_S = 1.0
_POOL_TIMEOUT_S = 0.2  # a database that is away is told within a quarter of a second

Pool = AsyncConnectionPool[psycopg.AsyncConnection[Any]]


@dataclass
class CatalogueCache:
    """The newest catalogue this process knows, at most about a second old."""

    pool: Pool
    current: CatalogueSnapshot = field(default_factory=lambda: CatalogueSnapshot(0, {}))

    async def refresh(self) -> None:
        """Load the catalogue if it changed."""
        async with self.pool.connection() as connection:
            if await snapshot.version(connection) != self.current.version:
                self.current = await snapshot.load(connection)

    async def keep_fresh(self) -> None:
        """Refresh for ever; while the database is away the last catalogue stands."""
        while True:
            try:
                await self.refresh()
            except (psycopg.Error, PoolTimeout) as error:
                logger.warning("catalogue not refreshed: %s", error)
            await asyncio.sleep(_CATALOGUE_EVERY_S)


@dataclass(frozen=True)
class GatewayServices:
    """The long-lived parts a call works with."""

    pool: Pool
    key_ring: KeyRing
    catalogue: CatalogueCache
    writer: Writer
    client: UpstreamClient
    health: UpstreamHealth


@asynccontextmanager
async def running_services() -> AsyncIterator[GatewayServices]:
    """Open everything; at the end write what is queued and close it again.

    A database that is away does not keep the process from starting: it answers 503 until the
    database is there.
    """
    owner = secrets.randbits(62)
    pool: Pool = AsyncConnectionPool(
        settings.DATABASE_URL,
        min_size=1,
        max_size=4,
        timeout=_POOL_TIMEOUT_S,
        kwargs={"autocommit": True, "connect_timeout": 2, "application_name": "caicaini-gateway"},
        open=False,
    )
    key_ring = KeyRing(pool)
    lifeline = Lifeline(
        conninfo=settings.DATABASE_URL, owner=owner, take_used_keys=key_ring.take_used
    )
    writer = Writer(conninfo=settings.DATABASE_URL, owner=owner)
    catalogue = CatalogueCache(pool)
    await pool.open(wait=False)
    lifeline.start()
    writer.start()
    with suppress(psycopg.Error, PoolTimeout):
        await pool.wait(timeout=2)
        await catalogue.refresh()
    refreshing = asyncio.create_task(catalogue.keep_fresh())
    try:
        async with UpstreamClient(_deadlines()) as client:
            yield GatewayServices(pool, key_ring, catalogue, writer, client, UpstreamHealth())
    finally:
        refreshing.cancel()
        await asyncio.to_thread(writer.stop)
        await asyncio.to_thread(lifeline.stop)
        await pool.close()


def _deadlines() -> Deadlines:
    return Deadlines(
        connect_s=settings.UPSTREAM_CONNECT_TIMEOUT_S,
        first_byte_s=settings.UPSTREAM_FIRST_BYTE_TIMEOUT_S,
        idle_s=settings.UPSTREAM_IDLE_TIMEOUT_S,
        total_s=settings.UPSTREAM_TOTAL_TIMEOUT_S,
    )
