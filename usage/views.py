"""The usage page: sums and the latest calls."""

from django.http import Http404, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import ALL_ROLES, MemberRequest, member
from usage import ranges, receipts, summary
from usage.request_log import Cursor, calls_page
from web.http import is_poll_current, render_page


@member(*ALL_ROLES)
@require_safe
def usage(request: MemberRequest) -> HttpResponse:
    """Show sums and the latest calls of a time range; the address holds range and page."""
    time_range = ranges.by_name(request.GET.get("range", ""))
    period = time_range.period(workspace_id=request.membership.workspace_id, until=timezone.now())
    totals = summary.totals(period)
    version = f"{totals.requests}.{totals.credits}"
    if is_poll_current(request, version):
        return HttpResponse(status=204)
    before = Cursor.parse(request.GET.get("before", ""))
    context = {
        "version": version,
        "time_ranges": ranges.TIME_RANGES,
        "selected": time_range,
        "before": before,
        "totals": totals,
        "latency": summary.latency(period),
        "page": calls_page(period, before=before),
    }
    return render_page(request, "usage/usage.html", context, fragment="dashboard")


@member(*ALL_ROLES)
@require_safe
def receipt(request: MemberRequest, request_id: str) -> HttpResponse:
    """Show the receipt of a call of this workspace."""
    id = receipts.parse_id(request_id)
    found = id and receipts.find(workspace_id=request.membership.workspace_id, request_id=id)
    if not found:
        raise Http404("The workspace has no such call.")
    return render_page(request, "usage/request.html", {"receipt": found, "call": found.record})
