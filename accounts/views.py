"""A person's settings page; allauth has the pages to sign in and to change credentials."""

from allauth.socialaccount.adapter import get_adapter
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.access import current_membership, signed_in
from web.http import render_page


@signed_in
@require_safe
def settings(request: HttpRequest) -> HttpResponse:
    """Show account and workspace, with links to the pages that change them."""
    context = {
        "has_providers": bool(get_adapter().list_providers(request)),
        "membership": current_membership(request),
    }
    return render_page(request, "accounts/settings.html", context)
