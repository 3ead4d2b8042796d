"""From a request's headers to the key it carries, with one look at the database a second."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from gateway.errors import InvalidApiKey, LedgerUnavailable
from keys import gateway_queries, tokens
from keys.gateway_queries import CachedKey

# How stale a look-up may be. What costs credits is safe at any age: the key is read again, under
# the wallet's lock, when credits are held for it.
FRESH_FOR_S = 1.0
_REMEMBERED_KEYS = 50_000
# A database that falls silent is given up after a fifth of a second. It is counted in turns of the
# event loop: while that is busy, the answer may be here already and nobody has read it.
_ANSWER_WITHIN_TURNS = 10
_TURN_S = 0.02


def presented_token(headers: Mapping[str, str]) -> str:
    """Return the well-formed token of a request; raises InvalidApiKey without any I/O.

    `x-api-key` goes before `Authorization: Bearer`; either may be empty beside the other, as some
    clients send them. Clients also write `bearer`, or several spaces.
    """
    scheme, _, bearer = headers.get("authorization", "").strip().partition(" ")
    presented = [headers.get("x-api-key", ""), bearer if scheme.lower() == "bearer" else ""]
    for token in map(str.strip, presented):
        if token and tokens.is_well_formed(token):
            return token
    raise InvalidApiKey


class _Seen(NamedTuple):
    key: CachedKey | None
    at: float


class KeyRing:
    """Keys by digest, each at most a second old, and which of them were used."""

    def __init__(self, pool: "AsyncConnectionPool[psycopg.AsyncConnection]") -> None:
        self._pool = pool
        self._seen: OrderedDict[bytes, _Seen] = OrderedDict()
        self._looking: dict[bytes, asyncio.Task[CachedKey | None]] = {}
        self._used: dict[int, datetime] = {}

    async def authenticate(self, token: str) -> CachedKey:
        """Return the key; raises InvalidApiKey, or LedgerUnavailable when nobody can tell."""
        digest = tokens.digest(token)
        seen = self._seen.get(digest)
        if seen is not None and time.monotonic() - seen.at < FRESH_FOR_S:
            key = seen.key
        else:
            key = await self._look_up_once(digest)
        now = datetime.now(UTC)
        if key is None or key.is_revoked or (key.expires_at and key.expires_at <= now):
            raise InvalidApiKey
        self._used[key.id] = now
        return key

    def take_used(self) -> dict[int, datetime]:
        """Return when each key was last used since this was last asked."""
        used, self._used = self._used, {}
        return used

    async def _look_up_once(self, digest: bytes) -> CachedKey | None:
        """Look a key up; calls that arrive meanwhile wait for the same answer, none for long."""
        task = self._looking.get(digest)
        if task is None:
            task = asyncio.create_task(self._look_up(digest))
            self._looking[digest] = task
            task.add_done_callback(lambda done: self._looked(digest, done))
        for _ in range(_ANSWER_WITHIN_TURNS):
            done, _ = await asyncio.wait({task}, timeout=_TURN_S)
            if done:
                return task.result()
        raise LedgerUnavailable

    def _looked(self, digest: bytes, task: "asyncio.Task[CachedKey | None]") -> None:
        self._looking.pop(digest, None)
        if not task.cancelled():
            task.exception()  # heard, even where everybody has given up by now

    async def _look_up(self, digest: bytes) -> CachedKey | None:
        try:
            async with self._pool.connection() as connection:
                cursor = await connection.execute(gateway_queries.LOOK_UP, [digest])
                row = await cursor.fetchone()
        except (PoolTimeout, psycopg.OperationalError):
            raise LedgerUnavailable from None
        key = CachedKey(*row) if row else None
        self._seen[digest] = _Seen(key, time.monotonic())
        self._seen.move_to_end(digest)
        if len(self._seen) > _REMEMBERED_KEYS:
            self._seen.popitem(last=False)
        return key
