"""The ASGI entry: /v1 goes to the gateway, calls from pages to console/, the rest to Django."""

import os
from collections.abc import Awaitable
from typing import cast

from asgiref.sync import markcoroutinefunction
from django.conf import settings
from django.core.asgi import get_asgi_application
from starlette.types import ASGIApp, Receive, Scope, Send

from caicaini_portal.environment import require
from server.body_limit import BodyLimit
from server.content_type import ReadableType
from server.pooled_postgresql import use_pool

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "caicaini_portal.settings")
require("DATABASE_URL", settings.DATABASE_URL)
require("REDIS_URL", settings.REDIS_URL)
use_pool()
portal = cast(
    ASGIApp, get_asgi_application()
)  # loads the apps, which the gateway's modules need on import

from console import endpoints as console  # noqa: E402
from docs_site.search.current import current as search_index  # noqa: E402
from gateway.app import app as gateway  # noqa: E402


class PathSplit:
    """Two applications behind one port, and the calls from pages of one to the other.

    Calls never enter Django: its request cycle costs more than a whole call through the gateway,
    and its ORM would block the event loop; a coroutine that only awaits another is not free either,
    as it is resumed whenever the call is. The gateway also gets the paths that clients with a
    wrong base URL request, so that they receive its error body instead of a page.
    """

    def __init__(self, *, gateway: ASGIApp, portal: ASGIApp) -> None:
        self._gateway = gateway
        self._portal = portal

    @markcoroutinefunction  # or uvicorn would take it for an application of ASGI 2
    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass the connection on; lifespan is the gateway's."""
        if scope["type"] == "lifespan":
            search_index.refresh_soon()  # so that no search waits for it
            return self._gateway(scope, receive, send)
        if _is_for_gateway(scope["path"]):
            return self._gateway(scope, receive, send)
        if scope["path"] in console.ENDPOINTS:
            return console.post_only(scope, receive, send)
        return self._portal(scope, receive, send)


def _is_for_gateway(path: str) -> bool:
    first = path.lstrip("/").partition("/")[0]
    return first in {"v1", "messages"}


application = PathSplit(gateway=gateway, portal=BodyLimit(ReadableType(portal)))
