"""What a gateway process keeps open while it runs, from its start to its end."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.conf import settings
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from catalogue import gateway_queries
from catalogue.snapshot import CatalogueSnapshot
from gateway.limits.concurrency import ConcurrencyLimit
from gateway.limits.rate_limiter import Limits, RateLimiter
from gateway.metering.bounded_connection import AsyncBoundedConnection
from gateway.metering.connections import CONNECT
from gateway.metering.ledger_writer import LedgerWriter
from gateway.metering.process_ledger import ProcessLedger
from gateway.runtime.drain import Drain
from gateway.runtime.key_cache import KeyRing
from gateway.runtime.upstream_incidents import UpstreamIncidents
from gateway.upstreams.circuit_breaker import CircuitBreakers
from gateway.upstreams.client import Deadlines, UpstreamClient

logger = logging.getLogger(__name__)

_CATALOGUE_EVERY_S = 1.0
_POOL_TIMEOUT_S = 0.2  # an unavailable database is an error within a quarter of a second
# After that the next request makes the pool reconnect; its own retries wait longer and longer.
_RECONNECT_WITHIN_S = 1.0
_STATEMENT_TIMEOUT = "SET statement_timeout = '10s'"

Pool = AsyncConnectionPool[psycopg.AsyncConnection[Any]]


@dataclass
class CatalogueCache:
    """The newest catalogue of this process, about a second old at most."""

    pool: Pool
    current: CatalogueSnapshot = field(default_factory=lambda: CatalogueSnapshot(0, {}))

    async def refresh(self) -> None:
        """Load the catalogue if it changed."""
        async with self.pool.connection() as connection:
            if await gateway_queries.version(connection) != self.current.version:
                self.current = await gateway_queries.load(connection)

    async def keep_fresh(self) -> None:
        """Refresh until cancelled; while the database is unavailable, keep the last catalogue."""
        while True:
            try:
                await self.refresh()
            except (psycopg.Error, PoolTimeout) as error:
                logger.warning("catalogue not refreshed: %s", error)
            await asyncio.sleep(_CATALOGUE_EVERY_S)


@dataclass(frozen=True)
class GatewayServices:
    """The long-lived parts of a process that calls use.

    `reports` is the pool for reads of the books. Keys are looked up in another pool, so that slow
    or many reports delay no call.
    """

    reports: Pool
    key_ring: KeyRing
    catalogue: CatalogueCache
    writer: LedgerWriter
    client: UpstreamClient
    breakers: CircuitBreakers
    limiter: RateLimiter
    concurrency: ConcurrencyLimit
    drain: Drain


@asynccontextmanager
async def running_services() -> AsyncIterator[GatewayServices]:
    """Open everything; at the end write what is queued and close it again.

    A process starts without its database, and answers 503 until the database is available.
    """
    _calm_garbage_collector()
    async with AsyncExitStack() as stack:
        pool = await _open_pool(stack, name="gateway")
        reports = await _open_pool(stack, name="reports")
        key_ring = KeyRing(pool)
        writer = await _start_ledger(stack, key_ring)
        catalogue = CatalogueCache(pool)
        with suppress(psycopg.Error, PoolTimeout):
            await pool.wait(timeout=2)
            await catalogue.refresh()
        limits = Limits(**settings.RATE_LIMITS)
        limiter = RateLimiter(redis_url=settings.REDIS_URL, limits=limits)
        stack.push_async_callback(limiter.close)
        incidents = UpstreamIncidents(reports)
        for work in (catalogue.keep_fresh(), limiter.keep_in_step(), incidents.write()):
            stack.callback(asyncio.create_task(work).cancel)
        client = await stack.enter_async_context(UpstreamClient(_deadlines()))
        drain = Drain(window_s=settings.DRAIN_WINDOW_S)
        drain.listen()
        stack.push_async_callback(drain.settle_rest)
        yield GatewayServices(
            reports=reports,
            key_ring=key_ring,
            catalogue=catalogue,
            writer=writer,
            client=client,
            breakers=CircuitBreakers(
                failures_to_open=settings.UPSTREAM_FAILURES_TO_OPEN, on_change=incidents.report
            ),
            limiter=limiter,
            concurrency=ConcurrencyLimit(
                limit=settings.MAX_CONCURRENT_CALLS,
                limit_per_key=settings.MAX_CONCURRENT_CALLS_PER_KEY,
            ),
            drain=drain,
        )


def _calm_garbage_collector() -> None:
    """Exclude what was loaded at start from every collection, and collect less often.

    A call makes many short-lived objects and few cycles: at Python's default thresholds an eighth
    of the processor time went into looking for them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


async def _open_pool(stack: AsyncExitStack, *, name: str) -> Pool:
    """Open a pool that checks each connection before use and bounds its statements."""

    async def bound_statements(connection: psycopg.AsyncConnection[Any]) -> None:
        await connection.execute(_STATEMENT_TIMEOUT)

    async def check(connection: psycopg.AsyncConnection[Any]) -> None:
        try:
            await AsyncConnectionPool.check_connection(connection)
        except psycopg.Error:
            await pool.check()  # the other idle connections have probably broken, too
            raise

    pool: Pool = AsyncConnectionPool(
        settings.DATABASE_URL,
        connection_class=AsyncBoundedConnection,
        min_size=1,
        max_size=4,
        timeout=_POOL_TIMEOUT_S,
        reconnect_timeout=_RECONNECT_WITHIN_S,
        configure=bound_statements,
        check=check,
        kwargs=CONNECT | {"application_name": f"caicaini-{name}"},
        open=False,
    )
    await pool.open(wait=False)
    stack.push_async_callback(pool.close)
    return pool


async def _start_ledger(stack: AsyncExitStack, key_ring: KeyRing) -> LedgerWriter:
    ledger = ProcessLedger(
        conninfo=settings.DATABASE_URL,
        journals=settings.DATA_DIR / "journal",
        take_used_keys=key_ring.take_used,
    )
    await ledger.start()
    stack.push_async_callback(ledger.stop)
    return ledger.writer


def _deadlines() -> Deadlines:
    return Deadlines(
        connect_s=settings.UPSTREAM_CONNECT_TIMEOUT_S,
        first_byte_s=settings.UPSTREAM_FIRST_BYTE_TIMEOUT_S,
        idle_s=settings.UPSTREAM_IDLE_TIMEOUT_S,
        total_s=settings.UPSTREAM_TOTAL_TIMEOUT_S,
    )
