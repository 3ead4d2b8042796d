"""The console's page: what its scripts need, and what is said where they do not run."""

from typing import Any

from csp.constants import NONCE, SELF
from csp.decorators import csp_update
from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from accounts.access import KEY_ROLES, MONEY_ROLES, MemberRequest, member
from accounts.models import Membership
from console.admission import member_of
from console.models_on_offer import models_on_offer
from gateway.upstreams.router import AUTO
from web.http import render_page


@csp_update({"style-src": [SELF, NONCE]})  # the editor's styles carry the nonce
@ensure_csrf_cookie
@member(*KEY_ROLES)
@require_safe
def console(request: MemberRequest) -> HttpResponse:
    """Show the console."""
    context = {
        "config": _config(request.membership),
        "signed_in_url": reverse("console:signed_in"),
    }
    return render_page(request, "console/console.html", context)


@member(*KEY_ROLES)
@require_safe
def signed_in(request: MemberRequest) -> HttpResponse:
    """Say in a new tab, where somebody signed in for an open console, that it can go on."""
    return render_page(request, "console/signed_in.html", {})


def _config(membership: Membership) -> dict[str, Any]:
    """Return what the scripts read; `owner` names the store of drafts in the browser."""
    return {
        "models": models_on_offer(),
        "auto": AUTO,
        "owner": member_of(membership).name,
        "workspace": membership.workspace.name,
        "canTopUp": membership.role in MONEY_ROLES,
        "maxBodyBytes": settings.MAX_BODY_BYTES,
        "baseUrl": settings.PUBLIC_URL,
        "urls": {
            "page": reverse("console:console"),
            "run": "/developers/console/run",
            "check": "/developers/console/check",
            "runs": "/developers/console/runs/",
            "billing": reverse("billing:billing"),
            "usage": reverse("usage:usage"),
            "requests": f"{reverse('usage:requests')}/",
            "signIn": reverse("account_login"),
        },
    }
