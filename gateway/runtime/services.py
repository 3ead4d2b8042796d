"""What a gateway process keeps open while it runs, from its start to its end."""

import asyncio
import gc
import logging
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

import psycopg
import redis.asyncio as redis
from django.conf import settings
from psycopg_pool import PoolTimeout

from catalogue import gateway_queries
from catalogue.snapshot import CatalogueSnapshot
from gateway.errors import LedgerUnavailable
from gateway.limits.concurrency import ConcurrencyLimit
from gateway.limits.rate_limiter import Limits, RateLimiter
from gateway.limits.read_limits import ReadLimits
from gateway.limits.refusal_pace import RefusalPace
from gateway.limits.uploads import Uploads
from gateway.metering.ledger_writer import LedgerWriter
from gateway.metering.process_ledger import ProcessLedger
from gateway.runtime import health
from gateway.runtime.database_pool import TIMEOUT_S, DatabasePool, open_pool
from gateway.runtime.drain import Drain
from gateway.runtime.key_cache import KeyRing
from gateway.runtime.refusal_rows import RefusalRows
from gateway.runtime.refusals import Refusals
from gateway.runtime.report_pool import ReportPool
from gateway.runtime.revocations import Revocations
from gateway.runtime.upstream_incidents import UpstreamIncidents
from gateway.upstreams.circuit_breaker import CircuitBreakers
from gateway.upstreams.client import Deadlines, UpstreamClient
from gateway.upstreams.retry_budget import RetryBudget

logger = logging.getLogger(__name__)

_CATALOGUE_EVERY_S = 1.0
_FIRST_CONNECTION_S = 2.0
_REDIS_TIMEOUT_S = 0.5
# For how long a thread keeps the interpreter once the event loop wants it back, which it does after
# each wait. Python's 5 ms are added to each read of a call while another's large body is checked.
THREAD_TURN_S = 0.001


@dataclass
class CatalogueCache:
    """The newest catalogue of this process, about a second old at most.

    `current` raises LedgerUnavailable before the first one was read: without it every model would
    be unknown. `read_at` and `refreshed_at` are of the monotonic clock: when the database last
    answered at all, and when `current` was last found, or made, the newest.
    """

    pool: DatabasePool
    _newest: CatalogueSnapshot | None = None
    read_at: float = float("-inf")
    refreshed_at: float = float("-inf")

    @property
    def current(self) -> CatalogueSnapshot:
        if self._newest is None:
            raise LedgerUnavailable
        return self._newest

    async def refresh(self, *, timeout_s: float = TIMEOUT_S) -> None:
        """Load the catalogue if it changed."""
        async with self.pool.connection(timeout=timeout_s) as connection:
            newest = await gateway_queries.version(connection)
            self.read_at = time.monotonic()
            if self._newest is None or newest != self._newest.version:
                self._newest = await gateway_queries.load(connection)
            self.refreshed_at = time.monotonic()

    async def keep_fresh(self) -> None:
        """Refresh until cancelled; while the database is unavailable, keep the last catalogue."""
        while True:
            try:
                await self.refresh()
            except (psycopg.Error, PoolTimeout) as error:
                logger.warning("catalogue not refreshed: %s", error, extra={"is_outage": True})
            except Exception:
                logger.exception("catalogue not refreshed")  # a row that this release cannot read
            await asyncio.sleep(_CATALOGUE_EVERY_S)


@dataclass(frozen=True)
class GatewayServices:
    """The long-lived parts of a process that calls use.

    `reports` is the pool for reads of the books. Keys are looked up in another pool, so that slow
    or many reports delay no call. `redis` is for calls from pages; the limits of the API have a
    client of their own, which no page keeps waiting.
    """

    reports: ReportPool
    key_ring: KeyRing
    catalogue: CatalogueCache
    writer: LedgerWriter
    client: UpstreamClient
    breakers: CircuitBreakers
    retries: RetryBudget
    limiter: RateLimiter
    refusals: Refusals
    redis: redis.Redis
    concurrency: ConcurrencyLimit
    uploads: Uploads
    reads: ReadLimits
    counts: ReadLimits
    refusal_pace: RefusalPace
    drain: Drain


@asynccontextmanager
async def running_services() -> AsyncIterator[GatewayServices]:
    """Open everything; at the end write what is queued and close it again.

    A process starts without its database, and answers 503 until the database is available.
    """
    _calm_garbage_collector()
    sys.setswitchinterval(THREAD_TURN_S)
    async with AsyncExitStack() as stack:
        pool = await open_pool(stack, name="gateway")
        reports = await open_pool(stack, name="reports")
        key_ring = KeyRing(pool, is_answering=lambda: ledger.writer.is_answering())
        ledger = await _start_ledger(stack, key_ring)
        catalogue = await _loaded_catalogue(pool)
        limits = Limits(**settings.RATE_LIMITS)
        limiter = RateLimiter(redis_url=settings.REDIS_URL, limits=limits)
        stack.push_async_callback(limiter.close)
        pages = _redis_of_pages()
        stack.push_async_callback(pages.aclose)
        refusals = Refusals(reports, RefusalRows(pages))
        stack.push_async_callback(refusals.flush)
        incidents = UpstreamIncidents(reports)
        drain = Drain(window_s=settings.DRAIN_WINDOW_S)
        works = (
            *(catalogue.keep_fresh(), limiter.keep_in_step()),
            *(incidents.write(), refusals.write(), Revocations(pool, drain).watch()),
        )
        for work in works:
            stack.callback(asyncio.create_task(work).cancel)
        client = await stack.enter_async_context(UpstreamClient(_deadlines()))
        drain.listen()
        stack.push_async_callback(drain.settle_rest)
        stack.enter_context(health.observed(pool=pool, catalogue=catalogue, ledger=ledger))
        yield GatewayServices(
            reports=ReportPool(reports),
            key_ring=key_ring,
            catalogue=catalogue,
            writer=ledger.writer,
            client=client,
            breakers=CircuitBreakers(
                failures_to_open=settings.UPSTREAM_FAILURES_TO_OPEN, on_change=incidents.report
            ),
            retries=RetryBudget(),
            limiter=limiter,
            refusals=refusals,
            redis=pages,
            concurrency=_concurrency_limit(),
            reads=_read_limits("reads"),
            counts=_read_limits("counts of tokens"),
            refusal_pace=RefusalPace(),
            uploads=_uploads(),
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


async def _start_ledger(stack: AsyncExitStack, key_ring: KeyRing) -> ProcessLedger:
    ledger = ProcessLedger(
        conninfo=settings.DATABASE_URL,
        journals=settings.DATA_DIR / "journal",
        take_used_keys=key_ring.take_used,
    )
    await ledger.start()
    stack.push_async_callback(ledger.stop)
    return ledger


async def _loaded_catalogue(pool: DatabasePool) -> CatalogueCache:
    catalogue = CatalogueCache(pool)
    with suppress(psycopg.Error, PoolTimeout):
        # Not `pool.wait`: it closes the pool when its time is up.
        await catalogue.refresh(timeout_s=_FIRST_CONNECTION_S)
    return catalogue


def _redis_of_pages() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=_REDIS_TIMEOUT_S,
        socket_connect_timeout=_REDIS_TIMEOUT_S,
    )


def _concurrency_limit() -> ConcurrencyLimit:
    return ConcurrencyLimit(
        limit=settings.MAX_CONCURRENT_CALLS,
        limit_per_key=settings.MAX_CONCURRENT_CALLS_PER_KEY,
        limit_per_workspace=settings.MAX_CONCURRENT_CALLS_PER_WORKSPACE,
    )


def _uploads() -> Uploads:
    return Uploads(
        folder=settings.DATA_DIR / "uploads",
        memory_bytes=settings.BODY_MEMORY_BYTES,
        disk_bytes=settings.BODY_DISK_BYTES,
        largest_body_bytes=settings.MAX_BODY_BYTES,
        wait_s=settings.BODY_WAIT_S,
    )


def _read_limits(kind: str) -> ReadLimits:
    limits = settings.READ_LIMITS
    return ReadLimits(kind, at_once=limits["at_once"], per_minute=limits["per_minute"])


def _deadlines() -> Deadlines:
    return Deadlines(
        connect_s=settings.UPSTREAM_CONNECT_TIMEOUT_S,
        first_byte_s=settings.UPSTREAM_FIRST_BYTE_TIMEOUT_S,
        idle_s=settings.UPSTREAM_IDLE_TIMEOUT_S,
        total_s=settings.UPSTREAM_TOTAL_TIMEOUT_S,
    )
