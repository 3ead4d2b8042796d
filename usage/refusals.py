"""The last refused call of a workspace, for pages that wait for its first answer."""

from datetime import datetime, timedelta
from typing import NamedTuple

from django.utils import timezone

from usage.models import Ending, RequestRecord

_SHOWN_FOR = timedelta(days=1)


class Refusal(NamedTuple):
    """One refused call, with the message that its caller received."""

    request_id: str
    key_id: int | None
    at: datetime
    status: int
    type: str
    message: str


def last_refusal(workspace_id: int) -> Refusal | None:
    """Return the workspace's last refused call, if it is at most a day old."""
    refused = RequestRecord.objects.filter(
        workspace_id=workspace_id,
        accepted_at__gt=timezone.now() - _SHOWN_FOR,
        ending=Ending.REFUSED,
    ).exclude(error_type="")
    record = refused.order_by("-accepted_at", "-id").first()
    if record is None:
        return None
    return Refusal(
        request_id=f"req_{record.id.hex}",
        key_id=record.key_id,
        at=record.accepted_at,
        status=record.status,
        type=record.error_type,
        message=record.error_message or "",
    )
