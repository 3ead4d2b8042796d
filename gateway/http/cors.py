"""CORS: any page may call the gateway with its user's key, since no cookie is read here.

The headers are on every response, errors and streams included: without them a page sees a refusal
as a network failure. They are constant and always sent; a middleware that checks for `Origin` first
would cost every call more than the bytes do.
"""

from uuid import UUID

from starlette.datastructures import Headers
from starlette.types import Scope, Send

from gateway.http import security
from gateway.limits import rate_limiter

_EXPOSED = (
    "request-id",
    "etag",
    "retry-after",
    "x-should-retry",
    "caicaini-route",
    "caicaini-dropped",
    "caicaini-credits-consumed",
    "caicaini-credits-remaining",
    *rate_limiter.HEADERS,
)
HEADERS = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": ", ".join(_EXPOSED),
}


async def answer_preflight(scope: Scope, send: Send, *, request_id: UUID) -> None:
    """Answer OPTIONS, which browsers send before a call and without its key.

    The headers a page wants to send are allowed by name: a wildcard would not cover
    `authorization`.
    """
    asked = Headers(scope=scope).get("access-control-request-headers", "")
    headers = (
        HEADERS
        | security.HEADERS
        | {
            "request-id": f"req_{request_id.hex}",
            "access-control-allow-methods": "GET, POST, HEAD, OPTIONS",
            "access-control-allow-headers": asked or "authorization, content-type, x-api-key",
            "access-control-max-age": "86400",
            "vary": "access-control-request-headers",
        }
    )
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 204, "headers": raw})
    await send({"type": "http.response.body", "body": b""})
