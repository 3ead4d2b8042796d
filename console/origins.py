"""Whether a page of ours sent a request that has no session to protect."""

from django.conf import settings
from django.core.exceptions import DisallowedHost
from starlette.types import Scope

from console.errors import UntrustedOrigin
from console.request_head import request_of


def require_own_origin(scope: Scope) -> None:
    """Raise UntrustedOrigin unless `Origin`, which browsers send with each POST, is ours."""
    request = request_of(scope)
    try:
        own = f"{request.scheme}://{request.get_host()}"
    except DisallowedHost:
        raise UntrustedOrigin from None
    if request.headers.get("origin") not in {own, *settings.CSRF_TRUSTED_ORIGINS}:
        raise UntrustedOrigin
