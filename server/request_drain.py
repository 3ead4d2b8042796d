"""Reads and drops a request's body, so that its client can read the answer.

A client that is answered while it still sends may see a reset connection instead of the answer.
"""

from starlette.types import Receive


async def drain(receive: Receive, *, limit_bytes: int) -> bool:
    """Read until the body's end, or just over `limit_bytes`; return False on a disconnect."""
    size = 0
    has_more = True
    while has_more and size <= limit_bytes:
        message = await receive()
        if message["type"] == "http.disconnect":
            return False
        size += len(message.get("body", b""))
        has_more = message.get("more_body", False)
    return True
