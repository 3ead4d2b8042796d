"""API keys by digest, read from the database at most once a second."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from gateway.errors import InvalidApiKey, LedgerUnavailable
from gateway.runtime.unknown_keys import UnknownKeys
from keys import gateway_queries, tokens
from keys.gateway_queries import CachedKey

logger = logging.getLogger(__name__)

# How old a look-up may be. Calls that cost credits are safe at any age: the key is read again,
# under the wallet's lock, when credits are held for it. So for them an older one will do while the
# next is under way.
FRESH_FOR_S = 1.0
_STALE_FOR_S = 60.0
_CACHED_KEYS = 50_000
_CACHED_UNKNOWN = 10_000
# A look-up times out after a fifth of a second when PostgreSQL is unavailable, and after two
# seconds when it is only busy. Both are counted in turns of the event loop: while the loop is busy,
# the answer may have arrived without having been read.
_USUAL_TURNS = 2
_OUTAGE_TURNS = 10
_BUSY_TURNS = 100
_TURN_S = 0.02
_POOL_TIMEOUT_S = 2.0


class _Cached(NamedTuple):
    key: CachedKey
    at: float


class KeyRing:
    """Keys by digest, each at most a second old, and when each was last used.

    `is_answering` tells whether PostgreSQL is available, while a look-up waits for it. Digests of
    no key are cached apart: a flood of them displaces no key.
    """

    def __init__(
        self,
        pool: "AsyncConnectionPool[psycopg.AsyncConnection]",
        *,
        is_answering: Callable[[], bool],
    ) -> None:
        self._pool = pool
        self._is_answering = is_answering
        self._cached: OrderedDict[bytes, _Cached] = OrderedDict()
        self._unknown: OrderedDict[bytes, float] = OrderedDict()  # when each was looked up
        self._strangers = UnknownKeys(self._look_up_many)
        self._pending: dict[bytes, asyncio.Task[CachedKey | None]] = {}
        self._used: dict[int, datetime] = {}

    async def authenticate(
        self, token: str, *, address: Callable[[], str], may_be_stale: bool = False
    ) -> CachedKey:
        """Return the key; raises InvalidApiKey, or LedgerUnavailable if it cannot be looked up.

        With `may_be_stale` a known key is returned at once, and looked up meanwhile. `address` is
        where a key comes from that is not known; raises RateLimited for too many of those.
        """
        digest = tokens.digest(token)
        cached = self._cached.get(digest)
        if cached is None:
            if not tokens.is_well_formed(token):  # invented or mistyped: no I/O for it
                raise InvalidApiKey
            key = await self._find_unknown(digest, address)
        elif (age_s := time.monotonic() - cached.at) < FRESH_FOR_S:
            key = cached.key
        elif may_be_stale and age_s < _STALE_FOR_S:
            self._begin_look_up(digest)
            key = cached.key
        else:
            key = await self._in_time(self._begin_look_up(digest))
        now = datetime.now(UTC)
        if key is None or key.is_revoked or (key.expires_at and key.expires_at <= now):
            raise InvalidApiKey(key)
        self._used[key.id] = now
        return key

    def take_used(self) -> dict[int, datetime]:
        """Return when each key was last used, and forget it."""
        used, self._used = self._used, {}
        return used

    async def _find_unknown(self, digest: bytes, address: Callable[[], str]) -> CachedKey | None:
        looked_up_at = self._unknown.get(digest)
        if looked_up_at is not None and time.monotonic() - looked_up_at < FRESH_FOR_S:
            return None
        return await self._in_time(self._strangers.find(digest, address()))

    def _begin_look_up(self, digest: bytes) -> "asyncio.Task[CachedKey | None]":
        """Look a key up; calls that arrive meanwhile wait for the same answer."""
        task = self._pending.get(digest)
        if task is None:
            task = asyncio.create_task(self._look_up(digest))
            self._pending[digest] = task
            task.add_done_callback(lambda done: self._look_up_done(digest, done))
        return task

    async def _in_time(self, answer: "asyncio.Future[CachedKey | None]") -> CachedKey | None:
        """Return the answer; raises LedgerUnavailable if it takes too long."""
        for turn in range(_BUSY_TURNS):
            done, _ = await asyncio.wait({answer}, timeout=_TURN_S)
            if done:
                return answer.result()
            is_late = turn >= _USUAL_TURNS
            if is_late and not self._is_answering() and turn >= _OUTAGE_TURNS:
                break
        logger.warning("a key was not looked up in time", extra={"is_outage": True})
        raise LedgerUnavailable

    def _look_up_done(self, digest: bytes, task: "asyncio.Task[CachedKey | None]") -> None:
        self._pending.pop(digest, None)
        if not task.cancelled():
            task.exception()  # retrieved, even if every caller has timed out

    async def _look_up(self, digest: bytes) -> CachedKey | None:
        return (await self._look_up_many([digest])).get(digest)

    async def _look_up_many(self, digests: list[bytes]) -> dict[bytes, CachedKey]:
        try:
            async with self._pool.connection(timeout=_POOL_TIMEOUT_S) as connection:
                cursor = await connection.execute(gateway_queries.LOOK_UP, [digests])
                rows = await cursor.fetchall()
        except (PoolTimeout, psycopg.OperationalError):
            raise LedgerUnavailable from None
        found = {bytes(row[0]): CachedKey(*row[1:]) for row in rows}
        now = time.monotonic()
        for digest in digests:
            self._remember(digest, found.get(digest), now)
        return found

    def _remember(self, digest: bytes, key: CachedKey | None, now: float) -> None:
        if key is None:
            self._cached.pop(digest, None)
            self._unknown[digest] = now
            self._unknown.move_to_end(digest)
            if len(self._unknown) > _CACHED_UNKNOWN:
                self._unknown.popitem(last=False)
            return
        self._cached[digest] = _Cached(key, now)
        self._cached.move_to_end(digest)
        if len(self._cached) > _CACHED_KEYS:
            self._cached.popitem(last=False)
