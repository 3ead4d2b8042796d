"""HTTP to the upstreams: deadlines, size limits, and one error for every kind of failure.

Redirects are not followed and compression is not requested: with either, an upstream could send us
elsewhere or make a small answer large. Closing a response before its end drops the connection,
which stops a generation that nobody reads any more.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import NamedTuple, TypeVar

import aiohttp

from gateway.errors import (
    UpstreamFailed,
    UpstreamReplyTooLarge,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from gateway.limits.time_limit import RepeatedLimit, TimeLimit
from gateway.upstreams.client_request import ClientRequest

Answer = TypeVar("Answer")

_REPLY_LIMIT_BYTES = 64 * 1024 * 1024
_ERROR_LIMIT_BYTES = 64 * 1024
_KEEP_ALIVE_S = 60
_UNAVAILABLE_RETRY_S = 5  # about what a restart of a server takes
_POLL_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long an upstream may take, in seconds.

    Until the first byte of the body only `first_byte_s` counts; after it `idle_s` bounds each
    silence. `total_s` bounds all attempts of a call together.
    """

    connect_s: float
    first_byte_s: float
    idle_s: float
    total_s: float


class AttemptLimits(NamedTuple):
    """How long one attempt may take, in seconds: until the first byte, and in all."""

    first_byte_s: float
    total_s: float


class UpstreamClient:
    """One pool of connections per process."""

    def __init__(self, deadlines: Deadlines) -> None:
        self.deadlines = deadlines
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,  # the concurrency limit bounds the calls
                ttl_dns_cache=30,
                keepalive_timeout=_KEEP_ALIVE_S,
            ),
            # Not sock_read: it would also bound the wait for the head.
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=deadlines.connect_s),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            request_class=ClientRequest,
            read_bufsize=64 * 1024,
        )

    async def __aenter__(self) -> "UpstreamClient":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def post(
        self,
        url: str,
        *,
        headers: dict[str, str],
        body: bytes,
        read: Callable[["UpstreamResponse"], Awaitable[Answer]],
        limits: AttemptLimits | None = None,
    ) -> Answer:
        """Send a request; return what `read` makes of the response once its head has arrived.

        Raises UpstreamFailed for a failure, in `read` too, and UpstreamTimeout for a deadline. The
        connection is dropped if `read` returns before the body's end.
        """
        deadlines = self.deadlines
        first_byte_s, total_s = limits or AttemptLimits(deadlines.first_byte_s, deadlines.total_s)
        try:
            with TimeLimit(min(first_byte_s, total_s)) as limit:
                async with await self._session.post(
                    url, headers=headers, data=body, allow_redirects=False
                ) as response:
                    return await read(
                        UpstreamResponse(
                            response,
                            idle_s=deadlines.idle_s,
                            on_first_byte=partial(limit.extend, total_s),
                        )
                    )
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            has_waited = isinstance(error, TimeoutError)
            raise UpstreamUnavailable(
                retry_after_s=_UNAVAILABLE_RETRY_S, may_repeat=not has_waited
            ) from None
        except TimeoutError:
            raise UpstreamTimeout from None
        except (aiohttp.ClientError, OSError, ValueError):
            raise UpstreamFailed from None


class UpstreamResponse:
    """A response whose head has arrived and whose body is read as it comes, by one task."""

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        *,
        idle_s: float,
        on_first_byte: Callable[[], None],
    ) -> None:
        self._response = response
        self._idle_s = idle_s
        self._on_first_byte = on_first_byte
        self._has_begun = False
        self._silent_s = 0.0
        self._waits: RepeatedLimit | None = None  # most plain answers come with their head
        self.status = response.status

    @property
    def retry_after(self) -> str | None:
        """The header, unparsed."""
        return self._response.headers.get("retry-after")

    async def chunk(self, *, timeout_s: float) -> bytes | None:
        """Return what has arrived, waiting for at least one byte; b"" is the end of the body.

        Returns None if nothing came for `timeout_s`; a further call loses nothing.
        """
        content = self._response.content
        if (waiting := content.read_nowait()) or content.at_eof():
            self._received()
            return waiting  # without a timer for what has arrived
        if self._waits is None:
            self._waits = RepeatedLimit()
        clock = asyncio.get_running_loop().time
        now = clock()
        deadline = now + timeout_s
        while now < deadline:
            due_at = min(deadline, now + _POLL_EVERY_S)
            try:
                # aiohttp does not wake a reader when a chunked body turns out to be invalid; only
                # the next read raises. So read again from time to time.
                with self._waits.until(due_at):
                    chunk = await content.readany()
            except TimeoutError:
                # Counted in waits: a machine that pauses is not a silent upstream.
                self._silent_s += due_at - now
                if self._has_begun and self._silent_s >= self._idle_s:
                    raise
                now = clock()
                continue
            self._received()
            return chunk
        return None

    def _received(self) -> None:
        self._silent_s = 0.0
        if not self._has_begun:
            self._has_begun = True
            self._on_first_byte()

    async def read(self) -> bytes:
        """Return the whole body; raises UpstreamReplyTooLarge beyond any sensible size."""
        return await self._read(_REPLY_LIMIT_BYTES)

    async def read_error(self) -> bytes:
        """Return the body of an error; empty if it is too large to be one."""
        try:
            return await self._read(_ERROR_LIMIT_BYTES)
        except UpstreamReplyTooLarge:
            return b""

    async def _read(self, limit_bytes: int) -> bytes:
        parts: list[bytes] = []
        size = 0
        is_over = (
            self._response.content.at_eof
        )  # saves a coroutine for a body that came with its head
        while not is_over() and (chunk := await self.chunk(timeout_s=math.inf)):
            size += len(chunk)
            if size > limit_bytes:
                raise UpstreamReplyTooLarge
            parts.append(chunk)
        return b"".join(parts)
