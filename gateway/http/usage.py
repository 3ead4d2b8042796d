"""GET /v1/usage: what the key's workspace used, by hour or day."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import psycopg
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from gateway.errors import InvalidRequest, LedgerUnavailable
from gateway.http.authentication import with_key
from gateway.http.responses import json_response
from gateway.runtime.services import GatewayServices
from keys.gateway_queries import CachedKey
from usage import gateway_queries
from usage.gateway_queries import Bucket, Grouping
from usage.reading import Question, UsageRow, usage_async

LONGEST = {Bucket.HOUR: timedelta(days=31), Bucket.DAY: timedelta(days=366)}
DEFAULT_LENGTH = {Bucket.HOUR: timedelta(days=1), Bucket.DAY: timedelta(days=30)}
_Choice = TypeVar("_Choice", Bucket, Grouping)


class _Asked(NamedTuple):
    bucket: Bucket
    since: datetime
    until: datetime
    groupings: tuple[Grouping, ...]


@with_key
async def show_usage(request: Request, key: CachedKey, request_id: UUID) -> Response:
    """Answer with one object per bucket and group that had calls, oldest first."""
    services: GatewayServices = request.state.services
    asked = _asked(request.query_params)
    question = Question(
        workspace_id=key.workspace_id,
        since=asked.since,
        until=asked.until,
        width=asked.bucket.width,
        group_by=tuple(grouping.of_reading for grouping in asked.groupings),
    )
    try:
        async with services.reports.connection(key.workspace_id, is_long=True) as connection:
            rows = await usage_async(connection, question)
    except psycopg.OperationalError:
        raise LedgerUnavailable from None
    body = {
        "object": "usage",
        "bucket": asked.bucket,
        "from": _written(asked.since),
        "to": _written(asked.until),
        "data": [_described(row, asked) for row in rows],
        "has_more": False,
    }
    return json_response(body, request_id)


def _described(row: UsageRow, asked: _Asked) -> dict[str, Any]:
    described = {name: getattr(row, name) for name in gateway_queries.SUMS}
    described["credits_consumed"] = described.pop("credits")
    names = ("key_id" if one is Grouping.KEY else one.value for one in asked.groupings)
    return {
        "starts_at": _written(row.starts_at),
        "ends_at": _written(row.ends_at),
        **dict(zip(names, row.group, strict=True)),
        **described,
    }


def _asked(params: QueryParams) -> _Asked:
    bucket = _choice(Bucket, params.get("bucket", Bucket.DAY), "bucket")
    until = _moment(params, "to") or datetime.now(UTC)
    since = _moment(params, "from") or _before(until, DEFAULT_LENGTH[bucket])
    if not since < until:
        raise InvalidRequest("Input should be before `to`", path="from")
    if until - since > LONGEST[bucket]:
        days = LONGEST[bucket].days
        raise InvalidRequest(f"Input should be at most {days} days before `to`", path="from")
    names = [name for name in params.get("group_by", "").split(",") if name]
    groupings = tuple(dict.fromkeys(_choice(Grouping, name, "group_by") for name in names))
    return _Asked(bucket, since, until, groupings)


def _before(until: datetime, length: timedelta) -> datetime:
    try:
        return until - length
    except OverflowError:  # in the first days of the first year
        raise InvalidRequest("Input should be a later time", path="to") from None


def _choice(kind: type[_Choice], text: str, name: str) -> _Choice:
    try:
        return kind(text)
    except ValueError:
        choices = ", ".join(f"'{one.value}'" for one in kind)
        raise InvalidRequest(f"Input should be one of {choices}", path=name) from None


def _moment(params: QueryParams, name: str) -> datetime | None:
    """Read an RFC 3339 moment; a plus sign in an address arrives as a space."""
    text = params.get(name)
    if text is None:
        return None
    try:
        if not text.isprintable():  # fromisoformat stops reading at a NUL
            raise ValueError
        moment = datetime.fromisoformat(text.replace(" ", "+").upper())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidRequest(
            "Input should be a time such as 2026-11-22T00:00:00Z", path=name
        ) from None


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
