"""Read a request's body from ASGI, up to a limit and within the budgets of the process."""

import mmap
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from starlette.types import Message, Receive

from gateway.call import CallerGone
from gateway.errors import BodyTooLarge, GatewayError, InvalidRequest
from gateway.limits.fair_budget import Holder
from gateway.limits.uploads import SMALL_BYTES, Upload, Uploads
from gateway.request.json_values import BYTES_OF_A_VALUE, JsonValues
from server.request_drain import drain

# To check a value takes as long as twenty bytes of a request that is mostly text.
_WORK_OF_A_VALUE = 20
# A block of the shortest text has nine bytes for each of its values.
_TOKENS_OF_A_VALUE = 2
_IDENTITY = frozenset({"", "identity"})
Buffer = bytes | mmap.mmap


class RequestBody:
    """The body of a JSON request, of which nothing is read before `read`.

    A client that gets its response while it sends may see a reset connection instead. So what is
    left of a body when an `async with` ends with an error is received and discarded.
    """

    __slots__ = (
        *("_announced", "_encoding", "_has_more", "_holder", "_limit_bytes", "_receive"),
        *("_upload", "_uploads", "_values", "received"),
    )

    def __init__(
        self,
        headers: Mapping[str, str],
        receive: Receive,
        uploads: Uploads,
        holder: Callable[[], Holder],
    ) -> None:
        length = headers.get("content-length", "")
        self._announced = int(length) if length.isdecimal() else -1
        self._encoding = headers.get("content-encoding", "identity")
        self._receive = receive
        self._uploads = uploads
        self._holder = holder
        self._limit_bytes = uploads.largest_body_bytes
        self._upload: Upload | None = None  # small bodies, which are nearly all, need none
        self.received = 0
        self._values: JsonValues | None = None  # of a large one
        self._has_more = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._upload is not None:
            self._upload.end()
        if self._has_more and isinstance(error, GatewayError):
            await self._discard_rest()

    @property
    def values(self) -> int:
        """How many JSON values a large body has, or a few more: those of a small one are few."""
        return 1 if self._values is None else self._values.count

    @property
    def least_tokens(self) -> int:
        """As how many input tokens the body of a call counts at least against the limit of its
        workspace, as far as can be said before it is parsed. Small bodies are not looked at."""
        return 0 if self._upload is None else self.values * _TOKENS_OF_A_VALUE

    @property
    def work_bytes(self) -> int:
        """Return how much work its check is: that of so many bytes of usual requests."""
        return self.received + self.values * _WORK_OF_A_VALUE

    async def read(self, before_large: Callable[[], object]) -> Buffer:
        """Return the whole body; raises InvalidRequest, BodyTooLarge, BusyUploading, CallerGone.

        `before_large` is called before more is received of a large one; it may raise.
        """
        if self._encoding not in _IDENTITY and self._encoding.lower() not in _IDENTITY:
            raise InvalidRequest("Input should be 'identity'", path="content-encoding")
        if self._announced > self._limit_bytes:
            raise BodyTooLarge(limit_bytes=self._limit_bytes)
        chunks: list[bytes] = []  # of a small body, or of one of unknown length up to that size
        if self._announced <= SMALL_BYTES:
            while self._has_more and self.received <= SMALL_BYTES:
                chunks.append(self._taken(await self._receive()))
            if not self._has_more:
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)
        before_large()
        return await self._large(chunks)

    def parsed(self) -> None:
        """Say that the bytes of the body are not needed any more."""
        if self._upload is not None:
            self._upload.parsed()

    async def _discard_rest(self) -> None:
        """Receive what is left, up to twice the limit in all. Raises CallerGone."""
        limit = 2 * self._limit_bytes - self.received
        if limit > 0:
            await discard(self._receive, limit_bytes=limit)

    async def _large(self, chunks: list[bytes]) -> Buffer:
        self._values = JsonValues()
        upload = self._upload = self._uploads.upload(self._holder())
        await upload.reserve_disk(self._announced if self._announced > 0 else self._limit_bytes)
        for chunk in chunks:
            self._values.add(chunk)
            await upload.add(chunk)
        while self._has_more:
            chunk = self._taken(await self._receive())
            self._values.add(chunk)
            await upload.add(chunk)
        return await upload.whole(self.received + self.values * BYTES_OF_A_VALUE)

    def _taken(self, message: Message) -> bytes:
        """Count a part that was received, and return it."""
        chunk, self._has_more = _part(message)
        self.received += len(chunk)
        if self.received > self._limit_bytes:
            raise BodyTooLarge(limit_bytes=self._limit_bytes)
        return chunk


async def read(receive: Receive, *, limit_bytes: int) -> bytes:
    """Return a whole body that cannot be large. Raises BodyTooLarge, CallerGone.

    A body over the limit is still received and discarded, up to twice the limit.
    """
    chunks: list[bytes] = []
    size = 0
    has_more = True
    while has_more:
        chunk, has_more = _part(await receive())
        size += len(chunk)
        if size <= limit_bytes:
            chunks.append(chunk)
        elif size > 2 * limit_bytes:
            break
        else:
            chunks.clear()
    if size > limit_bytes:
        raise BodyTooLarge(limit_bytes=limit_bytes)
    return b"".join(chunks)


async def discard(receive: Receive, *, limit_bytes: int) -> None:
    """Drain a body that nobody needs, so that its sender gets the answer. Raises CallerGone."""
    if not await drain(receive, limit_bytes=limit_bytes):
        raise CallerGone


def _part(message: Message) -> tuple[bytes, bool]:
    """Return a part of a body, and whether more follow. Raises CallerGone."""
    if message["type"] == "http.disconnect":
        raise CallerGone
    return message.get("body", b""), message.get("more_body", False)
