"""Find a call by its request id: one statement, for pages and for the gateway.

    found = lookup.find(workspace_id=1, request_id="req_0198…")

The id is time-ordered: it says when the call arrived, and so in which part of the table its record
is. The gateway executes QUERY itself, since there is no ORM on the event loop.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from django.db import connection

from usage.records import Record

_PREFIX = "req_"
# A record's `accepted_at` is later than the moment in its id by the time that its body took: nearly
# always less than a second. The first range is short, because a busy workspace has a hundred
# thousand records in the second one.
_RANGES = (
    (timedelta(seconds=1), timedelta(seconds=2)),
    (timedelta(minutes=1), timedelta(hours=1)),
)
_YEAR_OF_NO_CALL = 9999  # after its end Python has no moments
_JSON = ("lines", "attempts")
_COLUMNS = ", ".join(
    f"record.{name}::text" if name in _JSON else f"record.{name}"
    for name in Record.__struct_fields__
)
QUERY = f"""
SELECT entry.seq, entry.amount, entry.created_at, (
        SELECT json_object_agg(price.id, price.in_force_from)::text
        FROM catalogue_modelprice AS price
        WHERE price.id IN (
            SELECT (line ->> 'price_id')::bigint
            FROM jsonb_array_elements(coalesce(record.lines, '[]')) AS line
        )
    ), {_COLUMNS}
FROM usage_requestrecord AS record
LEFT JOIN billing_wallet AS wallet
    ON wallet.workspace_id = record.workspace_id AND wallet.pool = 'api'
LEFT JOIN billing_ledgerentry AS entry
    ON entry.wallet_id = wallet.id AND entry.kind = 'usage' AND entry.reference = record.id::text
WHERE record.workspace_id = %(workspace_id)s AND record.id = %(id)s
    AND record.accepted_at >= %(since)s::timestamptz
    AND record.accepted_at < %(until)s::timestamptz
"""  # noqa: S608 (names of the struct)
_decode_prices = msgspec.json.Decoder(dict[int, datetime]).decode


class Entry(NamedTuple):
    """The ledger entry of a call."""

    seq: int
    amount: int
    created_at: datetime


class Found(NamedTuple):
    """A call's record, its ledger entry if it was charged, and since when its prices are in force,
    by price row."""

    record: Record
    entry: Entry | None
    prices_from: dict[int, datetime]


def find(*, workspace_id: int, request_id: str | UUID) -> Found | None:
    """Return a workspace's call; None for the calls of others, and for what is no request id."""
    with connection.cursor() as cursor:
        for parameters in parameters_of(workspace_id=workspace_id, request_id=request_id):
            cursor.execute(QUERY, parameters)
            if (row := cursor.fetchone()) is not None:
                return found(row)
    return None


def record_of(*, workspace_id: int, request_id: str | UUID) -> Record | None:
    """Return the record of a workspace's call, as `find` finds it."""
    call = find(workspace_id=workspace_id, request_id=request_id)
    return call.record if call else None


def parameters_of(*, workspace_id: int, request_id: str | UUID) -> Iterator[dict[str, Any]]:
    """Return QUERY's parameters: execute it with one after the other, until it has a row."""
    id = request_id if isinstance(request_id, UUID) else parse_id(request_id)
    arrived_at = _moment_of(id) if id else None
    if arrived_at is None:
        return
    for earlier, later in _RANGES:
        since, until = arrived_at - earlier, arrived_at + later
        yield {"workspace_id": workspace_id, "id": id, "since": since, "until": until}


def found(row: tuple[Any, ...]) -> Found:
    """Read a row of QUERY."""
    seq, amount, created_at, prices, *values = row
    fields = dict(zip(Record.__struct_fields__, values, strict=True))
    for name in _JSON:
        fields[name] = fields[name] and msgspec.json.decode(fields[name])
    return Found(
        record=msgspec.convert(fields, Record),
        entry=None if seq is None else Entry(seq, amount, created_at),
        prices_from=_decode_prices(prices) if prices else {},
    )


def parse_id(text: str) -> UUID | None:
    """Read a request's id as responses write it: req_ and 32 hex digits."""
    if not text.startswith(_PREFIX):
        return None
    try:
        return UUID(hex=text.removeprefix(_PREFIX))
    except ValueError:
        return None


def _moment_of(request_id: UUID) -> datetime | None:
    if request_id.version != 7:
        return None
    try:
        moment = datetime.fromtimestamp((request_id.int >> 80) / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return moment if moment.year < _YEAR_OF_NO_CALL else None
