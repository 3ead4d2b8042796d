"""Error pages: what happened, what to do about it, and the request's id."""

import logging
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from web.request_ids import id_of

logger = logging.getLogger(__name__)


class ErrorPage(NamedTuple):
    """The texts of a page; the link leads to a page that helps."""

    status: int
    title: str
    advice: str
    link: str = "/"
    link_text: str = "To the start page"


BAD_REQUEST = ErrorPage(
    400, "This request cannot be read", "Go back, reload the page and try once more."
)
FORBIDDEN = ErrorPage(
    403,
    "Your role does not open this page",
    "An owner or admin of the workspace can give you another role.",
    "/developers/keys",
    "To your workspace",
)
CSRF = ErrorPage(
    403,
    "This form is out of date",
    "It was opened before you signed in or out, or the browser keeps no cookies. "
    "Go back, reload the page and send it again.",
)
NOT_FOUND = ErrorPage(
    404,
    "There is nothing here",
    "The address is mistyped, or the page is gone or belongs to another workspace.",
)
TOO_LARGE = ErrorPage(
    413, "This is more than we take", "Go back and send less: nothing here needs as much."
)
TOO_MANY = ErrorPage(
    429,
    "That was too often",
    "There is a limit that keeps guessers out. Wait a minute and try again.",
)
OUR_FAULT = ErrorPage(
    500,
    "Something broke on our side",
    "Nothing is lost. Try again in a moment; if it stays like this, tell us the request's id.",
)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that Django rejects as suspicious."""
    return _answer(request, BAD_REQUEST)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer PermissionDenied."""
    return _answer(request, FORBIDDEN)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form without a valid token."""
    return _answer(request, CSRF)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an address without a page."""
    return _answer(request, NOT_FOUND)


def too_large(request: HttpRequest, *, largest_bytes: int) -> HttpResponse:
    """Answer a body too large to be read: browsers get a page, programs get JSON."""
    if "text/html" in request.headers.get("accept", ""):
        return _answer(request, TOO_LARGE)
    body = {"error": f"a body may have {largest_bytes} bytes", "request_id": id_of(request)}
    return JsonResponse(body, status=TOO_LARGE.status)


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """Answer a person over one of allauth's rate limits."""
    return _answer(request, TOO_MANY)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a bug or an unavailable database.

    Rendered without the request, and so without page_context.py, whose queries for a signed-in
    person may be what failed.
    """
    logger.error("%s %s failed as %s", request.method, request.path, id_of(request))
    return HttpResponse(
        render_to_string("error.html", _context(request, OUR_FAULT)), status=OUR_FAULT.status
    )


def _answer(request: HttpRequest, page: ErrorPage) -> HttpResponse:
    return render(request, "error.html", _context(request, page), status=page.status)


def _context(request: HttpRequest, page: ErrorPage) -> dict[str, Any]:
    return {"error": page, "request_id": id_of(request)}
