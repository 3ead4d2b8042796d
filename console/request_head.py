"""A request's head as Django's code reads it, at endpoints that are no Django views."""

from io import BytesIO

from django.core.handlers.asgi import ASGIRequest
from starlette.types import Scope

# Django reads the type at once and fails for some; for a form's type it would look for a form.
_OF_BODY = {b"content-type", b"content-length", b"transfer-encoding"}


def request_of(scope: Scope) -> ASGIRequest:
    """Return the request as if it had no body: without the headers that describe one."""
    headers = [(name, value) for name, value in scope["headers"] if name not in _OF_BODY]
    return ASGIRequest({**scope, "headers": headers}, BytesIO())


def header_of(scope: Scope, name: bytes) -> str:
    """Return a header's value, or nothing."""
    found: bytes = dict(scope["headers"]).get(name, b"")
    return found.decode("latin-1")
