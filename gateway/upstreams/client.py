"""HTTP to the upstreams: deadlines, size limits, and every way it fails turned into one error.

Redirects are not followed and compression is not asked for: an upstream that sends either could
lead us elsewhere, or make a small answer large. Closing a response before its end drops the
connection, which is what stops a generation that nobody waits for any more.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import TypeVar

import aiohttp

from gateway.errors import UpstreamFailed, UpstreamTimeout
from gateway.limits.time_limit import TimeLimit

Answer = TypeVar("Answer")

_REPLY_LIMIT_BYTES = 64 * 1024 * 1024
_ERROR_LIMIT_BYTES = 64 * 1024
_KEEP_ALIVE_S = 60
_LOOK_AGAIN_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long an upstream may take, in seconds."""

    connect_s: float
    first_byte_s: float
    idle_s: float
    total_s: float


class _Request(aiohttp.ClientRequest):
    """Sends none of the headers that aiohttp adds by itself: to name those to be left out makes it
    copy and sort them for every request."""

    def update_auto_headers(self, skip_auto_headers: Iterable[str] | None) -> None:
        self.headers["Accept"] = "*/*"


class UpstreamClient:
    """One pool of connections per process."""

    def __init__(self, deadlines: Deadlines) -> None:
        self._deadlines = deadlines
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,  # admission is limited before, by calls
                ttl_dns_cache=30,
                keepalive_timeout=_KEEP_ALIVE_S,
            ),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=deadlines.connect_s, sock_read=deadlines.idle_s
            ),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            request_class=_Request,
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
        take: Callable[["UpstreamResponse"], Awaitable[Answer]],
    ) -> Answer:
        """Send a request; return what `take` makes of the response, whose head has arrived.

        What breaks, in `take` too, is an UpstreamFailed, what is late an UpstreamTimeout. When
        `take` returns before the body's end, the connection is dropped.
        """
        deadlines = self._deadlines
        try:
            with TimeLimit(min(deadlines.first_byte_s, deadlines.total_s)) as limit:
                async with await self._session.post(
                    url, headers=headers, data=body, allow_redirects=False
                ) as response:
                    limit.extend(deadlines.total_s)
                    return await take(UpstreamResponse(response))
        except TimeoutError:  # aiohttp's socket timeouts are TimeoutErrors as well
            raise UpstreamTimeout from None
        except (aiohttp.ClientError, OSError, ValueError):
            raise UpstreamFailed from None


class UpstreamResponse:
    """A response whose head is known and whose body is read as it comes."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status

    @property
    def retry_after(self) -> str | None:
        """The header, as it stands."""
        return self._response.headers.get("retry-after")

    @property
    def is_event_stream(self) -> bool:
        """Whether the body is server-sent events."""
        return self._response.content_type == "text/event-stream"

    async def chunk(self, *, timeout_s: float) -> bytes | None:
        """Return what has arrived, waiting for at least one byte; b"" is the end of the body.

        None says that nothing came for `patience_s`; asking again loses nothing.
        """
        content = self._response.content
        if (waiting := content.read_nowait()) or content.at_eof():
            return waiting  # without a timer for what is there already
        gives_up_at = asyncio.get_running_loop().time() + timeout_s
        while (left_s := gives_up_at - asyncio.get_running_loop().time()) > 0:
            try:
                # aiohttp does not wake whoever waits for a body whose chunks turn into something
                # else, and tells only who asks.
                with TimeLimit(min(left_s, _LOOK_AGAIN_EVERY_S)):
                    return await content.readany()
            except aiohttp.ServerTimeoutError:
                raise  # the idle deadline: a TimeoutError too, but not ours
            except TimeoutError:
                continue
        return None

    async def read(self) -> bytes:
        """Return the whole body; raises UpstreamFailed beyond any sensible size."""
        return await self._read(_REPLY_LIMIT_BYTES)

    async def read_error(self) -> bytes:
        """Return the body of an error, as far as it is worth reading."""
        try:
            return await self._read(_ERROR_LIMIT_BYTES)
        except UpstreamFailed:
            return b""

    async def _read(self, limit_bytes: int) -> bytes:
        parts: list[bytes] = []
        size = 0
        is_over = self._response.content.at_eof  # saves a coroutine for what came with its head
        while not is_over() and (chunk := await self.chunk(timeout_s=math.inf)):
            size += len(chunk)
            if size > limit_bytes:
                raise UpstreamFailed
            parts.append(chunk)
        return b"".join(parts)
