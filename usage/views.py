"""The page about what was used: sums and the latest calls."""

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import ALL_ROLES, MemberRequest, member
from usage import ranges, summary
from usage.request_log import Cursor, calls_page
from web.http import poll_shows, render_page


@member(*ALL_ROLES)
@require_safe
def usage(request: MemberRequest) -> HttpResponse:
    """Show sums and the latest calls of a range; the address holds range and page."""
    chosen = ranges.chosen(request.GET.get("range", ""))
    period = chosen.period(workspace_id=request.membership.workspace_id, until=timezone.now())
    totals = summary.totals(period)
    version = f"{totals.requests}.{totals.credits}"
    if poll_shows(request, version):
        return HttpResponse(status=204)
    before = Cursor.parse(request.GET.get("before", ""))
    context = {
        "version": version,
        "ranges": ranges.RANGES,
        "chosen": chosen,
        "before": before,
        "totals": totals,
        "latency": summary.latency(period),
        "page": calls_page(period, before=before),
    }
    return render_page(request, "usage/usage.html", context, fragment="dashboard")
