"""Whether a page of ours sent a request that has no session to protect."""

from io import BytesIO

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from starlette.types import Scope

from console.errors import UntrustedOrigin


def require_own_origin(scope: Scope) -> None:
    """Raise UntrustedOrigin unless `Origin`, which browsers send with each POST, is ours."""
    request = ASGIRequest(scope, BytesIO())
    try:
        own = f"{request.scheme}://{request.get_host()}"
    except DisallowedHost:
        raise UntrustedOrigin from None
    if request.headers.get("origin") not in {own, *settings.CSRF_TRUSTED_ORIGINS}:
        raise UntrustedOrigin
