"""GET /v1/usage: what the key's workspace used, in buckets of time and groups, in pages."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
from starlette.requests import Request
from starlette.responses import Response

from gateway.errors import LedgerUnavailable
from gateway.http.authentication import with_key
from gateway.http.responses import json_response
from gateway.http.usage_query import UsageQuery, cursor_of
from gateway.runtime.services import GatewayServices
from keys.gateway_queries import CachedKey
from usage import kept
from usage.reading import Grouping, UsageRow, usage_async

SUMS = (
    "requests",
    "refusals",
    "errors",
    "input_tokens",
    "output_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
)
# A group as the answer names it. A day has at most 200 tags of its own; the empty tag has the rest.
NAMES = {Grouping.KEY: "key_id", Grouping.SESSION: "session_id"}
_OTHER_TAGS = "other"
_ROWS_AT_ONCE = 100  # about a millisecond of the event loop


@with_key
async def show_usage(request: Request, key: CachedKey, request_id: UUID) -> Response:
    """Answer with one object per bucket and group that had calls, oldest first."""
    services: GatewayServices = request.state.services
    asked = UsageQuery.parse(request.query_params, now=datetime.now(UTC))
    try:
        async with services.reports.connection(key.workspace_id, is_long=True) as connection:
            body = await report(connection, key.workspace_id, asked)
    except psycopg.OperationalError:
        raise LedgerUnavailable from None
    return json_response(body, request_id, headers={"cache-control": "private, no-cache"})


async def report(
    connection: "psycopg.AsyncConnection[Any]", workspace_id: int, asked: UsageQuery
) -> dict[str, Any]:
    """Return the answer as its JSON. The event loop runs other work between parts of it."""
    question, retention = asked.question(workspace_id), await kept.read_async(connection)
    rows = await usage_async(connection, question, retention=retention)
    page, has_more = rows[: asked.limit], len(rows) > asked.limit
    body = {
        "object": "usage",
        "bucket": asked.bucket,
        "time_zone": asked.zone_name,
        "from": written(asked.since),
        "to": written(asked.until),
        "data": await _all_described(page, asked),
        "has_more": has_more,
        "next_cursor": cursor_of(asked, page[-1]) if has_more else None,
    }
    if question.is_of_tags:
        totals = await usage_async(connection, asked.total(workspace_id), retention=retention)
        body["total"] = sums(totals[0]) if totals else dict.fromkeys(_SUM_NAMES, 0)
    if gone_until := retention.gone_until(asked.since):
        body["records_since"] = written(gone_until)
    return body


def written(moment: datetime) -> str:
    """Write a moment in RFC 3339, in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


_SUM_NAMES = (*SUMS, "credits_consumed")


async def _all_described(rows: Sequence[UsageRow], asked: UsageQuery) -> list[dict[str, Any]]:
    described: list[dict[str, Any]] = []
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        described += [_described(row, asked) for row in rows[first : first + _ROWS_AT_ONCE]]
        await asyncio.sleep(0)
    return described


def _described(row: UsageRow, asked: UsageQuery) -> dict[str, Any]:
    groups = {
        NAMES.get(grouping, grouping.value): _named(grouping, value)
        for grouping, value in zip(asked.group_by, row.group, strict=True)
    }
    return {
        "starts_at": written(row.starts_at),
        "ends_at": written(row.ends_at),
        **groups,
        **sums(row),
    }


def _named(grouping: Grouping, value: str | int | None) -> str | int | None:
    return _OTHER_TAGS if grouping is Grouping.TAG and value == "" else value


def sums(row: UsageRow) -> dict[str, int]:
    """Return the sums of a row as answers have them."""
    return {name: getattr(row, name) for name in SUMS} | {"credits_consumed": row.credits}
