"""The live state of a workspace's rate limits, as a page and as the fragment of the docs."""

import time

from django.conf import settings
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from accounts.access import ALL_ROLES, MemberRequest, member
from gateway.limits import shared_counts
from gateway.limits.rate_limiter import Limits, LimitState
from gateway.limits.shared_counts import CountsUnavailable
from web.http import render_page

_NAMES = ("Requests", "Input tokens")


@member(*ALL_ROLES)
@require_safe
def live_limits(request: MemberRequest) -> HttpResponse:
    """Show how much of each limit is used in the sliding minute."""
    workspace = request.membership.workspace
    try:
        state = shared_counts.read(
            workspace.pk,
            limits=Limits(**settings.RATE_LIMITS),
            redis_url=settings.REDIS_URL,
            now=time.time(),
        )
    except CountsUnavailable:
        rows = None
    else:
        rows = [_row(name, limit) for name, limit in zip(_NAMES, state, strict=True)]
    context = {"workspace": workspace, "rows": rows}
    return render_page(request, "docs/live_limits.html", context, fragment="limits")


def _row(name: str, limit: LimitState) -> dict[str, object]:
    return {
        "name": name,
        "limit": limit.limit,
        "used": limit.limit - limit.remaining,
        "remaining": limit.remaining,
        "is_near": limit.remaining * 5 <= limit.limit,
    }
