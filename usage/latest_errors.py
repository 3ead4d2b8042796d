"""When each error last happened to a workspace. No message is kept: the request id leads on."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.utils import timezone

WINDOW = timedelta(days=90)
# One look into the index for each code, however many calls there are.
_LATEST = """
SELECT code, latest.accepted_at, latest.id, latest.status
FROM unnest(%(codes)s::text[]) AS code CROSS JOIN LATERAL (
    SELECT accepted_at, id, status FROM usage_requestrecord
    WHERE workspace_id = %(workspace_id)s AND error_code = code AND error_type <> ''
        AND accepted_at >= %(since)s::timestamptz
    ORDER BY accepted_at DESC LIMIT 1
) AS latest
ORDER BY latest.accepted_at DESC
"""


class Occurrence(NamedTuple):
    """The latest call of a workspace that ended with an error."""

    error_code: str
    at: datetime
    request_id: UUID
    status: int


def latest_errors(workspace_id: int, codes: Sequence[str]) -> list[Occurrence]:
    """Return the latest occurrence of each of these errors, newest first."""
    since = timezone.now() - WINDOW
    with connection.cursor() as cursor:
        cursor.execute(
            _LATEST, {"workspace_id": workspace_id, "codes": list(codes), "since": since}
        )
        return [Occurrence(*row) for row in cursor.fetchall()]
