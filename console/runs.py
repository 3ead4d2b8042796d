"""GET /developers/console/runs/<request id>: what the books say of one call of the workspace."""

from typing import Any

import msgspec
from django.http import Http404, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from accounts.access import KEY_ROLES, MemberRequest, member
from usage.lookup import record_of
from usage.records import Record
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
    record = record_of(workspace_id=request.membership.workspace_id, request_id=request_id)
    if record is None:
        raise Http404("There is no such run.")
    return JsonResponse(_described(record))


def _described(record: Record) -> dict[str, Any]:
    return {
        "request_id": written(record.id),
        "model": record.resolved_model,
        "held": record.hold_amount,
        "lines": msgspec.to_builtins(record.lines or ()),
        "attempts": [
            {name: getattr(attempt, name) for name in _ATTEMPT} for attempt in record.attempts or ()
        ],
        "tokens_per_second": record.tokens_per_second,
        **{name: getattr(record, name) for name in _SAME_NAMES},
    }
