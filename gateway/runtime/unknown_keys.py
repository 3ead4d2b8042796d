"""Looks up keys that this process does not know: in a lane of their own, with a limit per address.

Anybody can make up keys with a right checksum. However many come, they take one connection, in
batches, and never delay a key that is known. Addresses take turns in a batch, and one that has sent
many keys that do not exist waits before it may send more.
"""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable

from gateway.errors import RateLimited
from keys.gateway_queries import CachedKey

_BATCH = 200
_MOST_WAITING_PER_ADDRESS = 100
_MOST_MISSES = 60
_WINDOW_S = 10.0
_MOST_ADDRESSES = 10_000

LookUp = Callable[[list[bytes]], Awaitable[dict[bytes, CachedKey]]]


class UnknownKeys:
    """Keys by digest. `look_up` reads many at once; a key that does not exist is left out."""

    def __init__(self, look_up: LookUp, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._look_up = look_up
        self._clock = clock
        self._waiting: OrderedDict[str, deque[bytes]] = OrderedDict()
        self._answers: dict[bytes, asyncio.Future[CachedKey | None]] = {}
        self._misses: OrderedDict[str, tuple[float, int]] = OrderedDict()  # since when, how many
        self._work: asyncio.Task[None] | None = None

    def find(self, digest: bytes, address: str) -> "asyncio.Future[CachedKey | None]":
        """Return the key once its turn has come. Raises RateLimited for an address that has asked
        for too many that do not exist."""
        answer = self._answers.get(digest)
        if answer is not None:
            return answer
        queue = self._waiting.get(address, ())
        if self._has_missed_too_often(address) or len(queue) >= _MOST_WAITING_PER_ADDRESS:
            raise RateLimited(
                "Too many unknown API keys came from this address. Try again in 10 s.",
                retry_after_s=int(_WINDOW_S),
            )
        answer = self._answers[digest] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(address, deque()).append(digest)
        if self._work is None:
            self._work = asyncio.create_task(self._process())
        return answer

    async def _process(self) -> None:
        try:
            while self._waiting:
                await self._look_up_batch(self._next_batch())
        finally:
            self._work = None

    def _next_batch(self) -> dict[bytes, str]:
        """Take digests from the addresses in turn; return them with their addresses."""
        batch: dict[bytes, str] = {}
        while self._waiting and len(batch) < _BATCH:
            address, queue = next(iter(self._waiting.items()))
            batch[queue.popleft()] = address
            if queue:
                self._waiting.move_to_end(address)
            else:
                del self._waiting[address]
        return batch

    async def _look_up_batch(self, batch: dict[bytes, str]) -> None:
        found: dict[bytes, CachedKey] = {}
        failure: Exception | None = None
        try:
            found = await self._look_up(list(batch))
        except Exception as error:  # noqa: BLE001 (whatever it is, those who wait receive it)
            failure = error
        for digest, address in batch.items():
            answer = self._answers.pop(digest)
            if failure is not None:
                answer.set_exception(failure)
                answer.exception()  # retrieved, even if every caller has timed out
                continue
            key = found.get(digest)
            if key is None:
                self._note_miss(address)
            answer.set_result(key)

    def _has_missed_too_often(self, address: str) -> bool:
        since, count = self._misses.get(address, (0.0, 0))
        return count >= _MOST_MISSES and self._clock() - since < _WINDOW_S

    def _note_miss(self, address: str) -> None:
        now = self._clock()
        since, count = self._misses.pop(address, (now, 0))
        if now - since >= _WINDOW_S:
            since, count = now, 0
        self._misses[address] = (since, count + 1)
        if len(self._misses) > _MOST_ADDRESSES:
            self._misses.popitem(last=False)
