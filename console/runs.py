"""GET /developers/console/runs/<request id>: what the books say of one call of the workspace.

A page asks by the run's name instead when no answer has told it the id.
"""

from typing import Any
from uuid import UUID

import msgspec
from django.http import Http404, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from accounts.access import KEY_ROLES, MemberRequest, member
from accounts.models import Membership
from console import run_names
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
    """Describe a call; a 404 while it is not written yet, and for calls of others.

    Of a name it is a 204: a run that was stopped may never have arrived, and that is no fault.
    """
    is_name = run_names.is_name(request_id)
    record = _record(request.membership, request_id, is_name=is_name)
    if record is not None:
        return JsonResponse(_described(record))
    if is_name:
        return HttpResponse(status=204)
    raise Http404("There is no such run.")


def _record(membership: Membership, text: str, *, is_name: bool) -> Record | None:
    known_as: str | UUID | None = text
    if is_name:
        known_as = run_names.request_id_of(membership, text)
    if known_as is None:
        return None
    return record_of(workspace_id=membership.workspace_id, request_id=known_as)


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
