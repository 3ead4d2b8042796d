"""What the reference shows a reader of their own calls: pages, and fragments of the docs."""

from datetime import timedelta
from typing import NamedTuple

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import ALL_ROLES, MemberRequest, member
from gateway.openapi.error_samples import DOCUMENTED_ERRORS
from usage.latest_errors import latest_errors
from usage.reading import Grouping, Question, latencies, usage
from web.http import render_page

_CODES = [str(one.kind.error_code) for one in DOCUMENTED_ERRORS]
_WINDOW = timedelta(days=30)


@member(*ALL_ROLES)
@require_safe
def own_errors(request: MemberRequest) -> HttpResponse:
    """Show the latest occurrence of each error in the workspace, with its request id."""
    workspace = request.membership.workspace
    context = {"workspace": workspace, "errors": latest_errors(workspace.pk, _CODES)}
    return render_page(request, "docs/own_errors.html", context, fragment="own-errors")


@member(*ALL_ROLES)
@require_safe
def own_models(request: MemberRequest) -> HttpResponse:
    """Show what the workspace spent on each model in the last 30 days, and their median latency."""
    workspace = request.membership.workspace
    context = {"workspace": workspace, "rows": _rows(workspace.pk)}
    return render_page(request, "docs/own_models.html", context, fragment="own-models")


class _Row(NamedTuple):
    model: str
    requests: int
    credits: int
    p50_ms: int | None


def _rows(workspace_id: int) -> list[_Row]:
    until = timezone.now()
    question = Question(
        workspace_id=workspace_id,
        since=until - _WINDOW,
        until=until,
        group_by=(Grouping.MODEL,),
    )
    medians = {row.group: row.duration.p50 for row in latencies(question) if row.duration}
    rows = [
        _Row(str(row.group[0]), row.requests, row.credits, medians.get(row.group))
        for row in usage(question)
        if row.group[0]
    ]
    return sorted(rows, key=lambda row: (-row.credits, row.model))
