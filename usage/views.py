"""The log of calls, and the receipt of one."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from accounts.access import ALL_ROLES, MemberRequest, member
from keys.models import ApiKey
from usage import kept, log_days, log_filters, log_form, lookup, receipt_page, request_log
from usage.log_filters import LogFilter
from usage.request_log import Cursor
from web.http import is_poll_current, render_page


@member(*ALL_ROLES)
@require_safe
def requests(request: MemberRequest) -> HttpResponse:
    """Show the log of calls; the address holds filters and page. A request id leads to its call."""
    workspace_id = request.membership.workspace_id
    asked = request.GET.get("q", "").strip()
    if lookup.record_of(workspace_id=workspace_id, request_id=asked) is not None:
        return _lead_to(request, reverse("usage:request", args=[asked]))
    wanted = log_filters.parse(request.GET, now=timezone.now())
    before = Cursor.parse(request.GET.get("before", ""))
    page = request_log.log_page(workspace_id, wanted, before=before)
    if is_poll_current(request, page.version):
        return HttpResponse(status=204)
    retention = kept.read()
    total = log_days.total(workspace_id, wanted, retention=retention)
    context = _shown(wanted, before) | {
        "page": page,
        "total": total,
        "gone_until": retention.gone_until(wanted.since),
    }
    if getattr(request.htmx, "target", None) == "log":
        response = render(request, "usage/log.html", context)
    else:
        context |= _choices(workspace_id, wanted)
        response = render_page(request, "usage/requests.html", context, fragment="requests")
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


@member(*ALL_ROLES)
@require_safe
def receipt(request: MemberRequest, request_id: str) -> HttpResponse:
    """Show the receipt of a call of this workspace."""
    workspace_id = request.membership.workspace_id
    context = receipt_page.context_of(workspace_id=workspace_id, request_id=request_id)
    if context is None:
        raise Http404("The workspace has no such call.")
    return render_page(request, "usage/request.html", context)


def _lead_to(request: MemberRequest, url: str) -> HttpResponse:
    """Open another page; a plain redirect would put the whole page into htmx's target."""
    if not request.htmx:
        return redirect(url)
    return HttpResponse(status=204, headers={"HX-Redirect": url})


def _shown(wanted: LogFilter, before: Cursor | None) -> dict[str, Any]:
    query = wanted.address()
    return {
        "wanted": wanted,
        "before": before,
        "query": query,
        "page_query": f"{query}&before={before}" if before else query,
        "is_live": before is None and wanted.is_to_now,
    }


def _choices(workspace_id: int, wanted: LogFilter) -> dict[str, Any]:
    """Return what the filters offer: all keys, and the values that recent calls have."""
    keys = ApiKey.objects.filter(workspace_id=workspace_id).order_by("name", "pk")
    names = {str(pk): name for pk, name in keys.values_list("pk", "name")}
    seen = request_log.seen_values(workspace_id, wanted)
    return {"chips": wanted.chips(names), "form": log_form.form(wanted, names, seen)}
