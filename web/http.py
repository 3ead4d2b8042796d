"""The request type of pages, and the one way to render a page or its htmx fragment."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django_htmx.middleware import HtmxDetails


class PageRequest(HttpRequest):
    """A request with the attributes that our middleware adds."""

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
    """Render `template`, or only its partial `fragment` when htmx requests it.

    A boosted link and a restored history entry are htmx requests, too, but need the whole page.
    """
    htmx: HtmxDetails | None = getattr(request, "htmx", None)
    wants_fragment = htmx and not htmx.boosted and not htmx.history_restore_request
    name = f"{template}#{fragment}" if fragment and wants_fragment else template
    response = render(request, name, context, status=status)
    if fragment:
        patch_vary_headers(response, ["HX-Request"])
    return response


def is_poll_current(request: HttpRequest, version: str) -> bool:
    """Return whether this is a poll from a page that shows `version` already.

    Answer it with a 204: htmx then changes nothing, so screen readers announce nothing and the
    focus stays where it is.
    """
    return bool(getattr(request, "htmx", None)) and request.GET.get("shown") == version
