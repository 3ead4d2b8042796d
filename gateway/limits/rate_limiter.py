"""Requests and input tokens per workspace and minute, shared by all processes through Redis.

Every process counts locally and sends its counts to Redis several times a second; the reply is the
count of all processes. So no call waits for Redis, and while Redis is unavailable each process goes
on with its own numbers. A process that has counted a sixteenth of a limit since its last exchange
makes another one before it admits more: each process overshoots by no more than that.

The window slides: the last minute's count is weighted by the part of it that lies within the last
sixty seconds.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple, NoReturn

import redis.asyncio as redis
from redis.exceptions import RedisError

from gateway.errors import RateLimited
from server.ending import goes_on

logger = logging.getLogger(__name__)

WINDOW_S = 60
FIELDS = ("requests", "input_tokens")
HEADERS = tuple(
    f"anthropic-ratelimit-{kind}-{part}"
    for kind in ("requests", "input-tokens")
    for part in ("limit", "remaining", "reset")
)
_RAW_HEADERS = tuple(name.encode() for name in HEADERS)
_SYNC_EVERY_S = 0.2
_SYNC_SHARE = 16
_REDIS_TIMEOUT_S = 0.25
_KEPT_FOR_S = 3 * WINDOW_S


class Limits(NamedTuple):
    """What a workspace may request in a minute."""

    requests: int
    input_tokens: int


class LimitState(NamedTuple):
    """How much of one limit a workspace has used; the count includes the current call."""

    limit: int
    used: float
    resets_at: datetime

    @property
    def remaining(self) -> int:
        """How much is left in the window."""
        return max(0, int(self.limit - self.used))

    def raw(self) -> tuple[bytes, bytes, bytes]:
        """Return limit, remaining and reset as headers have them."""
        return b"%d" % self.limit, b"%d" % self.remaining, _rfc3339(self.resets_at)


class RateLimitState(NamedTuple):
    """Both limits, for the response's headers."""

    requests: LimitState
    input_tokens: LimitState

    def headers(self) -> dict[str, str]:
        """Return the rate-limit headers that clients of the Messages API know."""
        return {name.decode(): value.decode() for name, value in self.raw_headers()}

    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        """Return the same headers in ASGI's form."""
        values = self.requests.raw() + self.input_tokens.raw()
        return list(zip(_RAW_HEADERS, values, strict=True))


@lru_cache(maxsize=8)
def _rfc3339(moment: datetime) -> bytes:
    """Cached: all calls of a minute have the same one."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ").encode()


@lru_cache(maxsize=8)
def _end_of(minute: int) -> datetime:
    return datetime.fromtimestamp((minute + 1) * WINDOW_S, tz=UTC)


def key_of(workspace_id: int, minute: int) -> str:
    """Return the key in Redis of a workspace's counts: a hash of FIELDS."""
    return f"rate:{workspace_id}:{minute}"


def state_at(
    now: float, limits: Limits, *, current: Sequence[int], previous: Sequence[int]
) -> RateLimitState:
    """Return the state of both limits, from the counts of this minute and the last."""
    minute, into = divmod(now, WINDOW_S)
    resets_at = _end_of(int(minute))
    share = 1 - into / WINDOW_S
    return RateLimitState(
        LimitState(limits.requests, previous[0] * share + current[0], resets_at),
        LimitState(limits.input_tokens, previous[1] * share + current[1], resets_at),
    )


class TooManyRequests(RateLimited):
    """A limit is used up; the headers say which and until when."""

    def __init__(
        self, message: str, *, retry_after_s: int | None, rate_limits: RateLimitState
    ) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self._rate_limits = rate_limits

    def headers(self) -> dict[str, str]:
        """Return the error's headers with both limits."""
        return super().headers() | self._rate_limits.headers()


@dataclass(slots=True)
class _Counts:
    """One workspace's counts: [requests, input tokens] of this minute and the last."""

    minute: int
    current: list[int] = field(default_factory=lambda: [0, 0])
    previous: list[int] = field(default_factory=lambda: [0, 0])
    unsent: list[int] = field(default_factory=lambda: [0, 0])

    def turn_to(self, minute: int) -> None:
        """Move on to `minute`; counts of an older one that were not sent stay local."""
        if minute == self.minute:
            return
        self.previous = self.current if minute == self.minute + 1 else [0, 0]
        self.current = [0, 0]
        self.unsent = [0, 0]
        self.minute = minute

    def add_request(self) -> None:
        """Count a call without its tokens."""
        self.current[0] += 1
        self.unsent[0] += 1

    def add(self, requests: int, input_tokens: int) -> None:
        """Count a call."""
        self.current[0] += requests
        self.current[1] += input_tokens
        self.unsent[0] += requests
        self.unsent[1] += input_tokens


class RateLimiter:
    """Decides locally and shares its counts with the other processes through Redis."""

    def __init__(
        self,
        *,
        redis_url: str,
        limits: Limits,
        clock: Callable[[], float] = time.time,
        redis_timeout_s: float = _REDIS_TIMEOUT_S,
    ) -> None:
        self._limits = limits
        self._most_unsent = tuple(limit / _SYNC_SHARE for limit in limits)
        self._clock = clock
        self._counts: dict[int, _Counts] = {}
        self._redis = redis.Redis.from_url(
            redis_url,
            socket_timeout=redis_timeout_s,
            socket_connect_timeout=redis_timeout_s,
        )
        self._is_redis_unavailable = False
        self._syncing = asyncio.Lock()

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def admit(self, workspace_id: int, *, input_tokens: int) -> RateLimitState:
        """Count a call with its tokens; raises TooManyRequests, and then neither counts."""
        if self.is_behind(workspace_id):
            await self.sync()
        return self._admit(workspace_id, (1, input_tokens))

    def is_behind(self, workspace_id: int) -> bool:
        """Whether to `sync` before the next call is admitted. Apart from `sync`, since awaiting a
        coroutine for each call would cost more than this check."""
        counts = self._counts.get(workspace_id)
        if counts is None:
            return False
        requests, tokens = counts.unsent
        most_requests, most_tokens = self._most_unsent
        is_large = requests > most_requests or tokens > most_tokens
        return is_large and not self._is_redis_unavailable

    def admit_request(self, workspace_id: int) -> None:
        """Count a call whose tokens are not known yet; raises TooManyRequests."""
        now = self._clock()
        counts = self._current(workspace_id, now)
        share = 1 - now % WINDOW_S / WINDOW_S
        if counts.previous[0] * share + counts.current[0] + 1 > self._limits.requests:
            self._refuse(counts, (1, 0))
        counts.add_request()

    def admit_tokens(self, workspace_id: int, input_tokens: int) -> RateLimitState:
        """Count the tokens of a call that `admit_request` counted; raises TooManyRequests."""
        return self._admit(workspace_id, (0, input_tokens))

    def state(self, workspace_id: int) -> RateLimitState:
        """Return how much of both limits is used; nothing is counted."""
        now = self._clock()
        return self._state(self._current(workspace_id, now), (0, 0), now)

    def require_room(self, workspace_id: int, input_tokens: int = 0) -> None:
        """Raise TooManyRequests if so many tokens do not fit into the minute, or none at all."""
        now = self._clock()
        counts = self._current(workspace_id, now)
        least = max(1, input_tokens)
        tokens = self._state(counts, (0, least), now).input_tokens
        if tokens.used > tokens.limit:
            self._refuse(counts, (0, least))

    def charge_refused(self, workspace_id: int, input_tokens: int) -> None:
        """Count the tokens of a request that was refused, up to half of a minute's: it has taken
        time, though it asked no model."""
        counts = self._current(workspace_id, self._clock())
        counts.add(0, min(input_tokens, self._limits.input_tokens // 2))

    def _admit(self, workspace_id: int, added: tuple[int, int]) -> RateLimitState:
        now = self._clock()
        counts = self._current(workspace_id, now)
        rate_limits = self._state(counts, added, now)
        requests, tokens = rate_limits
        if requests.used > requests.limit or tokens.used > tokens.limit:
            self._refuse(counts, added)
        counts.add(*added)
        return rate_limits

    async def keep_in_step(self) -> None:
        """Exchange counts with the other processes until cancelled."""
        while goes_on():
            await asyncio.sleep(_SYNC_EVERY_S)
            await self.sync()

    async def sync(self) -> None:
        """Send Redis the counts of this process and receive those of all."""
        async with self._syncing:
            minute = int(self._clock() // WINDOW_S)
            for counts in self._counts.values():
                counts.turn_to(minute)
            self._forget_idle()
            active = {
                workspace_id: counts
                for workspace_id, counts in self._counts.items()
                if any(counts.current)
            }
            if active:
                await self._exchange(minute, active)

    async def _exchange(self, minute: int, active: dict[int, _Counts]) -> None:
        sent = {workspace_id: list(counts.unsent) for workspace_id, counts in active.items()}
        pipeline = self._redis.pipeline(transaction=False)
        for workspace_id, amounts in sent.items():
            key = key_of(workspace_id, minute)
            pipeline.hincrby(key, FIELDS[0], amounts[0])
            pipeline.hincrby(key, FIELDS[1], amounts[1])
            pipeline.expire(key, _KEPT_FOR_S)
        try:
            answers = await pipeline.execute()
        except (RedisError, OSError) as error:
            self._note_unavailable(error)
            return
        self._is_redis_unavailable = False
        for position, (workspace_id, amounts) in enumerate(sent.items()):
            counts = active[workspace_id]
            if counts.minute == minute:
                for kind in (0, 1):
                    counts.unsent[kind] -= amounts[kind]
                    counts.current[kind] = answers[3 * position + kind] + counts.unsent[kind]

    def _note_unavailable(self, error: Exception) -> None:
        if not self._is_redis_unavailable:
            logger.warning("Redis unavailable, rate limits apply per process: %s", error)
        self._is_redis_unavailable = True

    def _current(self, workspace_id: int, now: float) -> _Counts:
        minute = int(now // WINDOW_S)
        counts = self._counts.get(workspace_id)
        if counts is None:
            counts = self._counts[workspace_id] = _Counts(minute)
        elif counts.minute != minute:
            counts.turn_to(minute)
        return counts

    def _state(self, counts: _Counts, added: tuple[int, int], now: float) -> RateLimitState:
        current = counts.current[0] + added[0], counts.current[1] + added[1]
        return state_at(now, self._limits, current=current, previous=counts.previous)

    def _refuse(self, counts: _Counts, added: tuple[int, int]) -> NoReturn:
        names = ("requests", "input tokens")
        waits = [self._wait_s(counts, kind, added[kind]) for kind in (0, 1)]
        kind = waits.index(max(waits))
        message = f"This workspace's limit of {self._limits[kind]} {names[kind]} a minute"
        rate_limits = self._state(counts, (0, 0), self._clock())
        if waits[kind] == math.inf:
            raise TooManyRequests(
                f"{message} is less than this request alone.",
                retry_after_s=None,
                rate_limits=rate_limits,
            )
        wait_s = max(1, math.ceil(waits[kind]))
        raise TooManyRequests(
            f"{message} is used up. Try again in {wait_s} s.",
            retry_after_s=wait_s,
            rate_limits=rate_limits,
        )

    def _wait_s(self, counts: _Counts, kind: int, amount: int) -> float:
        """Return in how many seconds `amount` fits if no other call comes."""
        room = self._limits[kind] - amount
        into = self._clock() % WINDOW_S
        current, previous = counts.current[kind], counts.previous[kind]
        if room < 0:
            return math.inf
        if current > room:  # not within this minute; in the next one it fades
            return WINDOW_S - into + WINDOW_S * (1 - room / current)
        if previous * (1 - into / WINDOW_S) + current > room:
            return WINDOW_S * (1 - (room - current) / previous) - into
        return 0.0

    def _forget_idle(self) -> None:
        idle = [
            workspace_id
            for workspace_id, counts in self._counts.items()
            if not any(counts.current + counts.previous)
        ]
        for workspace_id in idle:
            del self._counts[workspace_id]
