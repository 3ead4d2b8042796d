"""The landing page and the documentation, as pages and as Markdown."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.access import public
from docs_site import sample_answer
from docs_site.library import PAGES, Page
from docs_site.prices import priced_models
from docs_site.rendering import render
from docs_site.snippets import first_call
from web.http import render_page


@public
@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """Show the product: a call, its answer, the prices, three steps."""
    context = {
        "first_call": first_call(base_url=settings.PUBLIC_URL),
        "answer": sample_answer.ANSWER,
        "priced_models": priced_models(),
    }
    return render_page(request, "docs/landing.html", context)


@public
@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """Redirect to the first page of the documentation."""
    return redirect("docs:page", slug=PAGES[0].slug)


@public
@require_safe
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a page of the documentation."""
    shown = _page_or_404(slug)
    context = {
        "page": shown,
        "pages": PAGES,
        "rendered": render(shown.source()),
    }
    return render_page(request, "docs/page.html", context)


@public
@require_safe
def markdown(request: HttpRequest, slug: str) -> HttpResponse:
    """Serve a page's Markdown, for programs that read it."""
    return _text(_page_or_404(slug).source(), "text/markdown")


@public
@require_safe
def llms_txt(request: HttpRequest) -> HttpResponse:
    """List the pages and the API's description for language models (https://llmstxt.org)."""
    lines = [
        "# Caicaini",
        "",
        "> One endpoint for hosted language models, in the shape of the Messages API. Every answer "
        "says what it cost.",
        "",
        "## Docs",
        "",
        *(
            f"- [{page.title}]({settings.PUBLIC_URL}{page.url}.md): {page.description}"
            for page in PAGES
        ),
        "",
        "## API",
        "",
        f"- [OpenAPI]({settings.PUBLIC_URL}{reverse('docs:openapi_json')}): Every address of /v1, "
        "what it takes and answers, and every error.",
    ]
    return _text("\n".join(lines) + "\n", "text/plain")


def _page_or_404(slug: str) -> Page:
    for page in PAGES:
        if page.slug == slug:
            return page
    raise Http404("There is no such page.")


def _text(text: str, media_type: str) -> HttpResponse:
    return HttpResponse(text, content_type=f"{media_type}; charset=utf-8")
