"""The gateway's queries of keys, in plain SQL: there is no ORM on the event loop."""

from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Cursor

LOOK_UP = (
    "SELECT digest, id, workspace_id, expires_at, revoked_at IS NOT NULL, allowed_models"
    " FROM keys_apikey WHERE digest = ANY(%s)"
)

# Of the keys and workspaces of running calls, those that are revoked or were removed.
GONE = (
    "SELECT 'key', running.id FROM unnest(%s::bigint[]) AS running (id)"
    " LEFT JOIN keys_apikey AS key ON key.id = running.id"
    " WHERE key.id IS NULL OR key.revoked_at IS NOT NULL"
    " UNION ALL SELECT 'workspace', running.id FROM unnest(%s::bigint[]) AS running (id)"
    " LEFT JOIN accounts_workspace AS workspace ON workspace.id = running.id"
    " WHERE workspace.id IS NULL"
)


class CachedKey(NamedTuple):
    """A key as the gateway caches it between two look-ups."""

    id: int
    workspace_id: int
    expires_at: datetime | None
    is_revoked: bool
    allowed_models: list[str]


def touch(cursor: Cursor[Any], used: dict[int, datetime]) -> None:
    """Move `last_used_at` forward, never back; rows that are locked are skipped this time."""
    cursor.execute(
        "UPDATE keys_apikey AS key SET last_used_at = used.at FROM ("
        "SELECT locked.id, used.at FROM unnest(%s::bigint[], %s::timestamptz[]) AS used (id, at)"
        " JOIN keys_apikey AS locked ON locked.id = used.id"
        " FOR UPDATE OF locked SKIP LOCKED) AS used"
        " WHERE key.id = used.id AND (key.last_used_at IS NULL OR key.last_used_at < used.at)",
        [list(used), list(used.values())],
    )
