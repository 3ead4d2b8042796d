"""The documentation, as pages and as Markdown."""

from datetime import UTC, datetime

from django.conf import settings
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from accounts.access import current_membership, public
from docs_site.boxes import abilities
from docs_site.boxes.reader import KEY_HINT, Reader
from docs_site.examples import key_hint
from docs_site.library import changelog, contents, llms
from docs_site.rendering import computed_blocks, directives
from docs_site.rendering.html import render, render_line
from docs_site.source.page import Page
from web.http import render_page


@public
@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """Redirect to the first page of the documentation."""
    return redirect(contents.pages()[0].url)


@public
@require_safe
@conditional_page
@cache_control(private=True, no_cache=True)
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a page of the documentation; the samples carry the hint of the reader's key."""
    shown = _page_or_404(slug)
    hint = _key_hint(request)
    rendered = render(directives.markdown_with_boxes(shown), _reader(request, hint))
    context = {
        "page": shown,
        "lead": render_line(shown.description),
        "tree": contents.tree(),
        "section_url": contents.first_of(shown.section).url,
        "neighbours": contents.neighbours(shown),
        "rendered": rendered,
        "html": rendered.html.replace(KEY_HINT, hint),
        "canonical": f"{settings.PUBLIC_URL}{shown.url}",
    }
    return render_page(request, "docs/page.html", context)


@public
@require_safe
@cache_control(public=True, max_age=300)
@conditional_page
def markdown(request: HttpRequest, slug: str) -> HttpResponse:
    """Serve a page's Markdown, for programs that read it."""
    return _text(llms.page_markdown(_page_or_404(slug)), "text/markdown")


@public
@require_safe
@cache_control(public=True, max_age=300)
@conditional_page
def llms_txt(request: HttpRequest) -> HttpResponse:
    """List the pages and the API's description for language models (https://llmstxt.org)."""
    return _text(llms.index(), "text/plain")


@public
@require_safe
@cache_control(public=True, max_age=300)
@conditional_page
def llms_full_txt(request: HttpRequest) -> HttpResponse:
    """Serve every page's Markdown as one text."""
    return _text(llms.full_text(), "text/plain")


@public
@require_safe
@cache_control(public=True, max_age=300)
@conditional_page
def changelog_feed(request: HttpRequest) -> HttpResponse:
    """Serve the changelog as an Atom feed."""
    return _text(changelog.feed(), "application/atom+xml")


def _reader(request: HttpRequest, hint: str) -> Reader:
    try:
        able = computed_blocks.value_of(("abilities",), abilities.on_offer)
    except DatabaseError:
        able = None
    today = datetime.now(UTC).date()
    return Reader(
        is_signed_in=request.user.is_authenticated,
        has_key=hint != key_hint.NO_KEY,
        abilities=able,
        today=today,
    )


def _key_hint(request: HttpRequest) -> str:
    membership = current_membership(request)
    return key_hint.of(membership.workspace if membership else None)


def _page_or_404(slug: str) -> Page:
    found = contents.find(slug)
    if found is None:
        raise Http404("There is no such page.")
    return found


def _text(text: str, media_type: str) -> HttpResponse:
    return HttpResponse(text, content_type=f"{media_type}; charset=utf-8")
