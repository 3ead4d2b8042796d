"""Gives every request of the portal an id: in a response header, on error pages, in the log."""

import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

GetResponse = Callable[[HttpRequest], HttpResponse]


def request_id_middleware(get_response: GetResponse) -> GetResponse:
    """Give each request an id and return it as `request-id`, as the gateway does."""

    def with_id(request: HttpRequest) -> HttpResponse:
        request.id = f"req_{uuid.uuid4().hex}"  # type: ignore[attr-defined]
        response = get_response(request)
        response["request-id"] = id_of(request)
        return response

    return with_id


def id_of(request: HttpRequest) -> str:
    """Return the request's id; empty for one that never reached the middleware."""
    return getattr(request, "id", "")
