"""Which network a request comes from."""

from django.conf import settings
from starlette.types import Scope

from web.networks import network_of


def client_network(scope: Scope) -> str:
    """Return the client's address, of IPv6 its /64, as the trusted proxies in front report it."""
    client = scope.get("client")
    address = client[0] if client else ""
    if proxies := settings.ALLAUTH_TRUSTED_PROXY_COUNT:
        values = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
        forwarded = b",".join(values).decode("latin-1").split(",")
        if len(forwarded) >= proxies:
            address = forwarded[-proxies].strip()
    return network_of(address, ipv4_prefix=32)
