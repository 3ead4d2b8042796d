"""The page of a person's own settings; signing in and changing credentials is allauth's."""

from allauth.socialaccount.adapter import get_adapter
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.access import current_membership, signed_in
from web.http import render_page


@signed_in
@require_safe
def settings(request: HttpRequest) -> HttpResponse:
    """Show who is signed in, and lead to where it can be changed."""
    context = {
        "has_providers": bool(get_adapter().list_providers(request)),
        "membership": current_membership(request),
    }
    return render_page(request, "accounts/settings.html", context)
