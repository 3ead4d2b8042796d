"""Pages of a new workspace's checklist."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from accounts.access import ALL_ROLES, KEY_ROLES, MemberRequest, member
from onboarding import checklist
from web.http import is_poll_current, render_page


@member(*ALL_ROLES)
@require_safe
def first_run(request: MemberRequest) -> HttpResponse:
    """Show the checklist while a step is left; after that redirect to the keys."""
    if request.membership.first_run_closed_at is not None:
        return _redirect_to_keys(request)
    progress = checklist.progress(request.membership.workspace)
    if progress.is_complete and not request.htmx:
        checklist.close(request.membership)
        return _redirect_to_keys(request)
    version = f"{progress.has_key:d}{progress.call is not None:d}{progress.has_topped_up:d}"
    if is_poll_current(request, version):
        return HttpResponse(status=204)
    context = {
        "version": version,
        "progress": progress,
        "may_create_key": request.membership.role in KEY_ROLES,
    }
    return render_page(request, "onboarding/first_run.html", context, fragment="checklist")


@member(*ALL_ROLES)
@require_POST
def close_first_run(request: MemberRequest) -> HttpResponse:
    """Dismiss the checklist."""
    checklist.close(request.membership)
    return _redirect_to_keys(request)


def _redirect_to_keys(request: MemberRequest) -> HttpResponse:
    # A poll would follow a plain redirect and swap the whole page into its fragment's place.
    keys_url = reverse("keys:list")
    return HttpResponseClientRedirect(keys_url) if request.htmx else redirect(keys_url)
