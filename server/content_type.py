"""Answers a request whose content type Django cannot read by the page of a 400.

Django reads the content type before any middleware runs. For some it raises, which the server would
answer by a bare 500. Some character sets would fail later, in the first view that reads the form;
browsers send the one of our pages, UTF-8.
"""

import codecs
from io import BytesIO

from django.core.exceptions import SuspiciousOperation
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from web import error_pages
from web.request_ids import GetResponse

_MARK = "caicaini.content_type_is_unreadable"
_CHARSETS = {"utf-8", "ascii"}


class ReadableType:
    """An application that receives only content types that Django can read."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, but without an unreadable content type, and marked."""
        if scope["type"] == "http" and not _is_readable(scope):
            headers = [one for one in scope["headers"] if one[0] != b"content-type"]
            scope = {**scope, "headers": headers, _MARK: True}
        await self._app(scope, receive, send)


def content_type_middleware(get_response: GetResponse) -> GetResponse:
    """Return 400 in the view's place for a request whose content type was unreadable."""

    def checked(request: HttpRequest) -> HttpResponse:
        if _MARK in getattr(request, "scope", ()):
            return error_pages.bad_request(request, SuspiciousOperation())
        return get_response(request)

    return checked


def _is_readable(scope: Scope) -> bool:
    """Whether Django can read it: asked of Django itself, for the few types that may fail."""
    types = [value for name, value in scope["headers"] if name == b"content-type"]
    if not any(b";" in one for one in types):  # only parameters have an encoding
        return True
    try:
        charset = ASGIRequest(scope, BytesIO()).encoding
    except (ValueError, LookupError):
        return False
    return charset is None or codecs.lookup(charset).name in _CHARSETS
