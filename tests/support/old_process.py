"""A gateway of the version before, as the database sees it."""

import json
from collections.abc import Sequence
from typing import Any

import psycopg

from tests.support.books import TestCall

OLD_OWNER = 6


class OldProcess:
    """The version before: `gateway_apply` with the kinds reserve, close and release."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def reserve(self, *calls: TestCall) -> list[Any]:
        return self._apply([{**_op(call, "reserve"), "amount": call.amount} for call in calls])

    def close(self, *calls: TestCall, actual: int | None) -> list[Any]:
        operations = [{**_op(call, "close"), "actual": actual, "lost": 0} for call in calls]
        return self._apply(operations, [_old_record(call) for call in calls])

    def release(self, *calls: TestCall) -> list[Any]:
        return self._apply([_op(call, "release") for call in calls])

    def _apply(
        self, operations: list[dict[str, Any]], records: Sequence[dict[str, Any]] = ()
    ) -> list[Any]:
        """Return the verdicts, the amounts and the losses."""
        workspaces = list({operation["workspace_id"] for operation in operations})
        given = [json.dumps(operations), json.dumps(records or [{}] * len(operations))]
        row = self._connection.execute(
            "SELECT gateway_apply(%s::bigint, %s::bigint[], %s::json, %s::json)",
            [OLD_OWNER, workspaces, *given],
        ).fetchone()
        assert row is not None
        return list(row[0])


def _op(call: TestCall, kind: str) -> dict[str, Any]:
    return {
        "kind": kind,
        "id": str(call.id),
        "workspace_id": call.workspace_id,
        "key_id": call.key_id,
        "source": "api",
        "accepted_at": call.accepted_at.isoformat(),
    }


def _old_record(call: TestCall) -> dict[str, Any]:
    return _op(call, "") | {
        "requested_model": "caicaini/auto",
        "resolved_model": "caicaini/swift",
        "upstream_id": 1,
        "price_id": 1,
        "route": "caicaini/swift",
        "is_stream": False,
        "status": 200,
        "error_type": "",
        "ending": "completed",
        "stop_reason": "end_turn",
        "input_tokens": 14,
        "output_tokens": 23,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "is_usage_estimated": False,
        "first_byte_ms": 12,
        "duration_ms": 34,
    }
