"""The request type of signed-in pages, and the one way a page or a fragment is rendered."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django_htmx.middleware import HtmxDetails


class PageRequest(HttpRequest):
    """A request as our middleware leaves it."""

    htmx: HtmxDetails
    user: Any


def render_page(
    request: HttpRequest,
    template: str,
    context: dict[str, Any] | None = None,
    *,
    fragment: str | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render `template`, or only its partial `fragment` when htmx asked for it.

    A boosted link and a restored history entry are htmx requests too, yet want the whole page.
    """
    htmx: HtmxDetails | None = getattr(request, "htmx", None)
    wants_fragment = htmx and not htmx.boosted and not htmx.history_restore_request
    name = f"{template}#{fragment}" if fragment and wants_fragment else template
    response = render(request, name, context, status=status)
    if fragment:
        patch_vary_headers(response, ["HX-Request"])
    return response


def poll_shows(request: HttpRequest, version: str) -> bool:
    """Tell whether a poll asks on behalf of a page that shows `version` already.

    Answered with a 204, the page stays as it is: nothing is announced, and no focus is lost.
    """
    return bool(getattr(request, "htmx", None)) and request.GET.get("shown") == version
