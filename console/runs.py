"""GET /developers/console/runs/<request id>: what the books say of one call of the workspace."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from accounts.access import KEY_ROLES, MemberRequest, member
from accounts.models import Workspace
from billing.models import Hold, Pool
from usage.models import RequestRecord
from web.templatetags.display import request_id as written

_SAME_NAMES = (
    *("status", "ending", "error_code", "credits", "lost_credits", "balance_after", "stop_reason"),
    *("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"),
    *("first_byte_ms", "duration_ms"),
)
_ATTEMPT = ("model", "started_ms", "duration_ms", "status", "error")


@member(*KEY_ROLES)
@require_safe
def run(request: MemberRequest, request_id: str) -> HttpResponse:
    """Describe a call; a 404 while it is not written yet, and for calls of others."""
    record = _record(request.membership.workspace, request_id)
    if record is None:
        raise Http404("There is no such run.")
    return JsonResponse(_described(record))


def _record(workspace: Workspace, request_id: str) -> RequestRecord | None:
    """Find a record by its hold, which knows the partition and has an index by the id alone."""
    try:
        call_id = UUID(hex=request_id.removeprefix("req_"))
    except ValueError:
        return None
    holds = Hold.objects.filter(wallet__workspace=workspace, wallet__pool=Pool.API, id=call_id)
    hold = holds.first()
    if hold is None:
        return None
    return RequestRecord.objects.filter(
        workspace=workspace, accepted_at=hold.accepted_at, id=call_id
    ).first()


def _described(record: RequestRecord) -> dict[str, Any]:
    return {
        "request_id": written(record.id),
        "model": record.resolved_model,
        "held": record.hold_amount,
        "lines": record.lines or [],
        "attempts": [
            {name: attempt[name] for name in _ATTEMPT} for attempt in record.attempts or []
        ],
        "tokens_per_second": _tokens_per_second(record),
        **{name: getattr(record, name) for name in _SAME_NAMES},
    }


def _tokens_per_second(record: RequestRecord) -> float | None:
    """Return the speed after the first byte; of a plain answer, over the whole call."""
    writing_ms = record.duration_ms
    if record.is_stream and record.first_byte_ms is not None:
        writing_ms -= record.first_byte_ms
    if writing_ms <= 0 or not record.output_tokens:
        return None
    return round(1000 * record.output_tokens / writing_ms, 1)
