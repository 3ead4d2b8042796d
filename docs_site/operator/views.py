"""Pages under the operator's name: terms, privacy, support."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.access import public
from docs_site.boxes.reader import Reader
from docs_site.operator import pages
from docs_site.operator.pages import OperatorPage
from docs_site.rendering.html import render
from web.http import render_page

_READER = Reader(is_signed_in=False)  # nothing on these pages depends on it


@public
@require_safe
def terms(request: HttpRequest) -> HttpResponse:
    """Show the terms of use."""
    return _page(request, pages.terms())


@public
@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """Show the privacy notice."""
    return _page(request, pages.privacy())


@public
@require_safe
def support(request: HttpRequest) -> HttpResponse:
    """Show where to get help."""
    return _page(request, pages.support())


def _page(request: HttpRequest, page: OperatorPage) -> HttpResponse:
    context = {"title": page.title, "html": render(page.body, _READER).html}
    return render_page(request, "docs/operator_page.html", context)
