"""Error pages: what happened, what to do about it, and the request's id."""

import logging
import sys
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers

from web.database_outage import is_outage
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
OUTAGE = ErrorPage(
    503,
    "Our database is unavailable",
    "Nothing that was saved is lost. If you have just sent a form, check whether it was saved "
    "before you send it again. This page works again as soon as the database does.",
    link_text="Try again",
)
_RETRY_AFTER_S = 5


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
    if _wants_page(request):
        return _answer(request, TOO_LARGE)
    body = {"error": f"a body may have {largest_bytes} bytes", "request_id": id_of(request)}
    return JsonResponse(body, status=TOO_LARGE.status)


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """Answer a person over one of allauth's rate limits."""
    return _answer(request, TOO_MANY)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a bug or an unavailable database.

    In the frame of the signed-in person's pages, or without it if its queries fail as well.
    """
    if is_outage(sys.exception()):
        return outage(request)
    logger.error("%s %s failed as %s", request.method, request.path, id_of(request))
    try:
        return _answer(request, OUR_FAULT)
    except Exception:
        logger.exception("the error page of %s has no frame", id_of(request))
        return HttpResponse(_rendered(request, OUR_FAULT), status=OUR_FAULT.status)


def outage(request: HttpRequest) -> HttpResponse:
    """Answer while PostgreSQL is unavailable, without session, account or any other query."""
    response = _outage_response(request)
    response.status_code = OUTAGE.status
    response["Retry-After"] = str(_RETRY_AFTER_S)
    response["Cache-Control"] = "no-store"
    patch_vary_headers(response, ["Accept", "HX-Request"])
    return response


def _outage_response(request: HttpRequest) -> HttpResponse:
    """Browsers get a page, htmx a notice above the page that it is on, programs JSON."""
    page = OUTAGE
    if _wants_fragment(request):
        message = {"message": f"{page.title}. {page.advice}"}
        notice = HttpResponse(render_to_string("components/outage_notice.html", message))
        notice["HX-Retarget"], notice["HX-Reswap"] = ".messages", "innerHTML"
        return notice
    if _wants_page(request) or request.headers.get("hx-request"):
        is_repeatable = request.method in ("GET", "HEAD")
        link = request.get_full_path() if is_repeatable else page.link
        return HttpResponse(_rendered(request, page._replace(link=link)))
    return JsonResponse({"error": page.title, "request_id": id_of(request)})


def _wants_fragment(request: HttpRequest) -> bool:
    """As web.http.render_page decides it; its middleware may not have run."""
    wants_whole = {"hx-boosted", "hx-history-restore-request"} & request.headers.keys()
    return "hx-request" in request.headers and not wants_whole


def _wants_page(request: HttpRequest) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _answer(request: HttpRequest, page: ErrorPage) -> HttpResponse:
    return render(request, "error.html", _context(request, page), status=page.status)


def _rendered(request: HttpRequest, page: ErrorPage) -> str:
    """Render without the request; whether the person is signed in stays unknown."""
    return render_to_string("error.html", {**_context(request, page), "is_account_unknown": True})


def _context(request: HttpRequest, page: ErrorPage) -> dict[str, Any]:
    return {"error": page, "request_id": id_of(request)}
