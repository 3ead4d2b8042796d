"""What holds for every request under /v1, whatever its address: host, transport, and headers.

Django does the same for pages; calls never pass through it.
"""

from contextlib import suppress
from functools import lru_cache

from django.conf import settings
from django.http.request import split_domain_port, validate_host
from starlette.types import Receive, Scope, Send

from gateway.call import CallerGone
from gateway.errors import GatewayError, InvalidRequest, PermissionDenied
from gateway.http import request_body
from gateway.http.responses import error_response, new_request_id


def refusal_of(headers: list[tuple[bytes, bytes]]) -> GatewayError | None:
    """Return the reason to refuse a request, by its host and by how it came to the proxy."""
    named = dict(headers)  # quicker than a look at each
    if not _is_ours(named.get(b"host", b"")):
        return InvalidRequest("This host is not served here", path="host")
    transport = named.get(b"x-forwarded-proto")
    if transport is None:
        return None
    is_behind_proxy = settings.SECURE_SSL_REDIRECT and settings.SECURE_PROXY_SSL_HEADER
    if is_behind_proxy and transport.split(b",", 1)[0].strip() != b"https":
        # A redirect would have the key sent again, after it went over the network in the clear.
        return PermissionDenied(
            "This request came over plain http, and its key with it. Use https, and replace the "
            "key: others may have read it."
        )
    return None


async def refuse(error: GatewayError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a refused request once its body is received."""
    with suppress(CallerGone):
        await request_body.discard(receive, limit_bytes=settings.MAX_BODY_BYTES)
        await error_response(error, new_request_id())(scope, receive, send)


@lru_cache(maxsize=256)
def _is_ours(host: bytes) -> bool:
    domain, _ = split_domain_port(host.decode("latin-1").lower())
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)
