"""Read a request's body from ASGI, up to a limit."""

from collections.abc import Mapping

from django.conf import settings
from starlette.types import Receive

from gateway.call import CallerGone
from gateway.errors import BodyTooLarge, InvalidRequest
from server.request_drain import drain


async def checked(headers: Mapping[str, str], receive: Receive) -> bytes:
    """Return the body of a JSON request; also raises InvalidRequest for a compressed one."""
    body = await read(receive, limit_bytes=settings.MAX_BODY_BYTES)
    if headers.get("content-encoding", "identity").lower() not in {"", "identity"}:
        raise InvalidRequest("Input should be 'identity'", path="content-encoding")
    return body


async def read(receive: Receive, *, limit_bytes: int) -> bytes:
    """Return the whole body. Raises BodyTooLarge, CallerGone.

    A body over the limit is still received and discarded, up to twice the limit: a client that gets
    its response while it sends may see a reset connection instead.
    """
    chunks: list[bytes] = []
    size = 0
    has_more = True
    while has_more:
        chunk, has_more = await _chunk(receive)
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


async def _chunk(receive: Receive) -> tuple[bytes, bool]:
    """Return the next chunk, and whether more follow."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise CallerGone
    return message.get("body", b""), message.get("more_body", False)
