"""Write request records, many at a time, inside the transaction that settles their holds."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from billing.statements import Statement, json


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted call; the fields are RequestRecord's. Durations are milliseconds."""

    id: UUID
    workspace_id: int
    accepted_at: datetime
    key_id: int | None
    source: str
    requested_model: str
    resolved_model: str
    upstream_id: int | None
    price_id: int
    route: str
    is_stream: bool
    status: int
    error_type: str
    ending: str
    stop_reason: str
    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    is_usage_estimated: bool
    credits: int
    lost_credits: int
    first_byte_ms: int | None
    duration_ms: int


_TYPES = {
    "id": "uuid",
    "workspace_id": "bigint",
    "accepted_at": "timestamptz",
    "key_id": "bigint",
    "source": "text",
    "requested_model": "text",
    "resolved_model": "text",
    "upstream_id": "bigint",
    "price_id": "bigint",
    "route": "text",
    "is_stream": "boolean",
    "status": "smallint",
    "error_type": "text",
    "ending": "text",
    "stop_reason": "text",
    "input_tokens": "bigint",
    "output_tokens": "bigint",
    "cache_creation_input_tokens": "bigint",
    "cache_read_input_tokens": "bigint",
    "is_usage_estimated": "boolean",
    "credits": "bigint",
    "lost_credits": "bigint",
    "first_byte_ms": "integer",
    "duration_ms": "integer",
}
_COLUMNS = ", ".join(_TYPES)
_INSERT = (
    "WITH given AS (SELECT * FROM json_to_recordset($1::json)"  # noqa: S608 (names from above)
    f" AS record ({', '.join(f'{name} {kind}' for name, kind in _TYPES.items())})),"
    f" inserted AS (INSERT INTO usage_requestrecord ({_COLUMNS}) SELECT {_COLUMNS} FROM given"
    # A batch whose commit went unheard is run again: its records may be there already.
    " ON CONFLICT (workspace_id, accepted_at, id) DO NOTHING)"
    " INSERT INTO usage_dirtyhour (workspace_id, starts_at)"
    " SELECT DISTINCT workspace_id, date_trunc('hour', accepted_at, 'UTC') FROM given"
).encode()

_WRITTEN = b"""
SELECT record.id FROM json_to_recordset($1::json)
    AS wanted (workspace_id bigint, accepted_at timestamptz, id uuid)
JOIN usage_requestrecord AS record USING (workspace_id, accepted_at, id)"""


def written(records: Sequence[Record]) -> Statement:
    """Ask which of the records are in the table already; the answer is their ids."""
    return Statement(_WRITTEN, (json(records),))


def insert(records: Sequence[Record]) -> Statement:
    """Write the records, and mark their hours for the roll-up."""
    return Statement(_INSERT, (json(records),))
