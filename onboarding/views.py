"""Pages of a new workspace's checklist."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.access import ALL_ROLES, KEY_ROLES, MemberRequest, member
from onboarding import checklist
from web.http import is_poll_current, render_page


@member(*ALL_ROLES)
@require_safe
def first_run(request: MemberRequest) -> HttpResponse:
    """Show the checklist while a step is left; after that redirect to the keys.

    One that was brought back stays to be looked at, even with nothing left to do.
    """
    if request.membership.first_run_closed_at is not None:
        # A poll of a page that another tab has dismissed: it never leads away from what is shown.
        return HttpResponse(status=204) if request.htmx else redirect("keys:list")
    progress = checklist.progress(request.membership.workspace)
    if progress.is_complete and not request.htmx and "again" not in request.GET:
        checklist.close(request.membership)
        return redirect("keys:list")
    if is_poll_current(request, progress.version):
        return HttpResponse(status=204)
    context = {
        "progress": progress,
        "may_create_key": request.membership.role in KEY_ROLES,
    }
    return render_page(request, "onboarding/first_run.html", context, fragment="checklist")


@member(*ALL_ROLES)
@require_POST
def close_first_run(request: MemberRequest) -> HttpResponse:
    """Dismiss the checklist; the settings page can bring it back."""
    checklist.close(request.membership)
    messages.info(request, "The checklist is dismissed. Settings can bring it back.")
    return redirect("keys:list")


@member(*ALL_ROLES)
@require_POST
def reopen_first_run(request: MemberRequest) -> HttpResponse:
    """Bring the dismissed checklist back."""
    checklist.reopen(request.membership)
    return redirect(f"{reverse('onboarding:first_run')}?again")
