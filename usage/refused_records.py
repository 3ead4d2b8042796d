"""Writes the records of refused calls, in plain SQL: on the event loop there is no ORM.

Calls that held credits are recorded by gateway_apply, in the transaction that settles them.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import psycopg

from usage.records import Record

_COLUMNS = {
    "id": "uuid",
    "workspace_id": "bigint",
    "accepted_at": "timestamptz",
    "key_id": "bigint",
    "source": "text",
    "requested_model": "text",
    "resolved_model": "text",
    "route": "text",
    "is_stream": "boolean",
    "status": "smallint",
    "error_type": "text",
    "error_code": "text",
    "error_message": "text",
    "ending": "text",
    "stop_reason": "text",
    "input_tokens": "bigint",
    "output_tokens": "bigint",
    "cache_creation_input_tokens": "bigint",
    "cache_read_input_tokens": "bigint",
    "is_usage_estimated": "boolean",
    "credits": "bigint",
    "lost_credits": "bigint",
    "duration_ms": "integer",
    "queue_ms": "integer",
    "tags": "text[]",
    "session_id": "text",
    "user_label": "text",
    "member_id": "bigint",
    "refusals": "integer",
}
_NAMES = ", ".join(_COLUMNS)
# A record of further refusals is written again with a higher count, and so is one whose statement
# was committed and not answered: counts only grow.
_WRITE = f"""
WITH given AS (
    SELECT {_NAMES} FROM json_to_recordset(%s::json)
        AS given ({", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())})
), written AS (
    INSERT INTO usage_requestrecord AS record ({_NAMES}) SELECT {_NAMES} FROM given
    ON CONFLICT (workspace_id, accepted_at, id) DO UPDATE
        SET refusals = greatest(record.refusals, excluded.refusals)
)
INSERT INTO usage_dirtyhour (workspace_id, starts_at)
SELECT DISTINCT workspace_id, date_trunc('hour', accepted_at, 'UTC') FROM given
"""


async def write(connection: "psycopg.AsyncConnection[Any]", records: Sequence[Record]) -> None:
    """Write them, each once: a second time only a record's count of refusals may grow."""
    await connection.execute(_WRITE, [msgspec.json.encode(records).decode()])
