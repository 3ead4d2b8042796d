"""Pages about what was used: the dashboard, and the checklist of a new workspace."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from accounts.access import ALL_ROLES, KEY_ROLES, MemberRequest, member
from caicaini_portal.http import poll_shows, render_page
from keys import samples
from usage import first_run as checklist
from usage import ranges, summary
from usage.calls import Cursor, calls_page


@member(*ALL_ROLES)
@require_safe
def usage(request: MemberRequest) -> HttpResponse:
    """Show sums and the latest calls of a range; the address holds range and page."""
    chosen = ranges.chosen(request.GET.get("range", ""))
    stretch = chosen.stretch(workspace_id=request.membership.workspace_id, until=timezone.now())
    totals = summary.totals(stretch)
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
        "latency": summary.latency(stretch),
        "page": calls_page(stretch, before=before),
        "first_call": samples.first_call(base_url=settings.PUBLIC_URL),
    }
    return render_page(request, "usage/usage.html", context, fragment="dashboard")


@member(*ALL_ROLES)
@require_safe
def first_run(request: MemberRequest) -> HttpResponse:
    """Show the checklist while there is something to do; after that lead to the keys."""
    if request.membership.first_run_closed_at is not None:
        return _to_the_keys(request)
    progress = checklist.progress(request.membership.workspace)
    if progress.is_complete and not request.htmx:
        checklist.close(request.membership)
        return _to_the_keys(request)
    version = f"{progress.has_key:d}{progress.call is not None:d}{progress.has_topped_up:d}"
    if poll_shows(request, version):
        return HttpResponse(status=204)
    context = {
        "version": version,
        "progress": progress,
        "may_create_key": request.membership.role in KEY_ROLES,
        "first_call": samples.first_call(base_url=settings.PUBLIC_URL),
    }
    return render_page(request, "usage/first_run.html", context, fragment="checklist")


@member(*ALL_ROLES)
@require_POST
def close_first_run(request: MemberRequest) -> HttpResponse:
    """Put the checklist away."""
    checklist.close(request.membership)
    return _to_the_keys(request)


def _to_the_keys(request: MemberRequest) -> HttpResponse:
    # A poll would follow a plain redirect and put the whole page into its fragment's place.
    keys_url = reverse("keys:list")
    return HttpResponseClientRedirect(keys_url) if request.htmx else redirect(keys_url)
