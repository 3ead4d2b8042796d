"""GET /docs/search?q=: a page of results, or the list that opens below the search field."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from accounts.access import public
from docs_site.library import contents
from docs_site.search.current import current
from docs_site.search.results import grouped
from web.http import render_page

_LONGEST_QUERY = 100
_PER_GROUP_IN_LIST = 5
_PER_GROUP_ON_PAGE = 30
_EXAMPLES = ("streaming", "max_tokens", "rate_limit_error", "caicaini/auto")


@public
@require_safe
@cache_control(private=True, no_cache=True)
def search(request: HttpRequest) -> HttpResponse:
    """Show what matches `q`; htmx gets the short list of a combobox."""
    query = " ".join(request.GET.get("q", "").replace("\0", "").split())[:_LONGEST_QUERY]
    is_list = bool(getattr(request, "htmx", None))
    hits = current.get().search(query)
    context = {
        "query": query,
        "count": len(hits),
        "groups": grouped(
            hits, query, per_group=_PER_GROUP_IN_LIST if is_list else _PER_GROUP_ON_PAGE
        ),
        "tree": contents.tree(),
        "examples": _EXAMPLES,
    }
    return render_page(request, "docs/search.html", context, fragment="found")
