"""A person's settings page; allauth has the pages to sign in and to change credentials."""

from allauth.account.models import EmailAddress
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from accounts import confirmation, time_zones
from accounts.access import ALL_ROLES, MemberRequest, current_membership, member, public, signed_in
from web.http import render_page


@signed_in
@require_safe
def settings(request: HttpRequest) -> HttpResponse:
    """Show account and workspace, with links to the pages that change them."""
    context = {
        "membership": current_membership(request),
        "time_zones": time_zones.names(),
        "time_zone": str(time_zones.zone_of(request.user)),
    }
    return render_page(request, "accounts/settings.html", context)


@member(*ALL_ROLES)
@require_POST
def choose_time_zone(request: MemberRequest) -> HttpResponse:
    """Save the zone in which days and hours are shown. A detected one replaces no chosen one."""
    name = request.POST.get("time_zone", "")
    if "detected" in request.POST:
        if not request.user.time_zone:
            time_zones.choose(request.user, name)
        return HttpResponse(status=204)
    if time_zones.choose(request.user, name):
        messages.success(request, f"Days and hours are now those of {name}.")
    else:
        messages.error(request, "That is no time zone that we know. Choose one of the list.")
    return redirect("accounts:settings")


@public
@require_POST
def resend_confirmation(request: HttpRequest) -> HttpResponse:
    """Send the mail of a sign-up again. Only the browser that signed up can ask for it."""
    if not confirmation.is_known(request):
        return redirect("account_signup")
    confirmation.send_again(request)
    return redirect("account_email_verification_sent")


@member(*ALL_ROLES)
@require_POST
def resend_to_new_address(request: MemberRequest) -> HttpResponse:
    """Send the mail that confirms a person's new address again."""
    unconfirmed = EmailAddress.objects.filter(user=request.user.pk, verified=False).first()
    if unconfirmed:
        confirmation.send_to(request, unconfirmed)
    return redirect("account_email")
