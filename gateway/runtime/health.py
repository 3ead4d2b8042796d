"""The health of this process's parts, for the portal's /healthz and /readyz.

Their views run in threads of Django's half of the process: everything here may be called in any
thread. `observed` makes the running services known, `current` finds them.
"""

import asyncio
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

import psycopg
from django.conf import settings
from psycopg_pool import PoolTimeout

from gateway.metering.process_ledger import ProcessLedger
from gateway.runtime.database_pool import DatabasePool
from gateway.runtime.liveness import SAMPLE_EVERY_S, Liveness

_QUERY_TIMEOUT_S = 5.0
# A catalogue is refreshed every second; an older one than this misses prices and models.
_OLDEST_CATALOGUE_S = 10.0


class Catalogue(Protocol):
    """When the catalogue was read, by the monotonic clock."""

    read_at: float
    refreshed_at: float


class GatewayHealth:
    """What a process needs to answer calls. Each check returns what is wrong, or ""."""

    def __init__(self, *, pool: DatabasePool, catalogue: Catalogue, ledger: ProcessLedger) -> None:
        self._loop = asyncio.get_running_loop()
        self._pool = pool
        self._catalogue = catalogue
        self._ledger = ledger
        self.liveness = Liveness(
            {"gateway_database": self._reads, "ledger": lambda: ledger.writer.makes_holds},
            conninfo=settings.DATABASE_URL,
            owner=ledger.owner,
            samples=math.ceil(settings.FAULTY_AFTER_S / SAMPLE_EVERY_S),
        )

    @property
    def checks(self) -> Mapping[str, Callable[[], str]]:
        """The checks by name. One may block for seconds: bound the wait for it."""
        return {
            "gateway_database": self._pool_trouble,
            "ledger": self._ledger_trouble,
            "catalogue": self._catalogue_trouble,
            "journal": self._journal_trouble,
        }

    def _pool_trouble(self) -> str:
        answer = asyncio.run_coroutine_threadsafe(self._ask(), self._loop)
        try:
            answer.result(_QUERY_TIMEOUT_S)
        except (psycopg.Error, PoolTimeout, TimeoutError):
            return "does not answer"
        return ""

    async def _ask(self) -> None:
        async with self._pool.connection() as connection:
            await connection.execute("SELECT 1")

    def _ledger_trouble(self) -> str:
        return "" if self._ledger.writer.makes_holds else "accepts no new calls"

    def _catalogue_trouble(self) -> str:
        age_s = time.monotonic() - self._catalogue.refreshed_at
        if age_s < _OLDEST_CATALOGUE_S:
            return ""
        return "not loaded" if age_s == float("inf") else f"not refreshed for {age_s:.0f} seconds"

    def _journal_trouble(self) -> str:
        return "" if self._ledger.has_journal else "cannot be written"

    def _reads(self) -> bool:
        return time.monotonic() - self._catalogue.read_at < _OLDEST_CATALOGUE_S


_current: GatewayHealth | None = None


def current() -> GatewayHealth | None:
    """Return the health of the services that run in this process, if any do."""
    return _current


@contextmanager
def observed(*, pool: DatabasePool, catalogue: Catalogue, ledger: ProcessLedger) -> Iterator[None]:
    """Make the services' health known for the block."""
    global _current
    health = _current = GatewayHealth(pool=pool, catalogue=catalogue, ledger=ledger)
    health.liveness.start()
    try:
        yield
    finally:
        _current = None
        health.liveness.stop()
