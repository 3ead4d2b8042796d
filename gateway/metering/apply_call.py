"""The one statement by which operations reach the ledger: what it is given, and what it returns.

usage/migrations/0004_gateway_apply.py has the function that it calls.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from uuid import UUID

import msgspec
import psycopg

from gateway.metering.operations import (
    HoldDecision,
    HoldResult,
    Operation,
    Outcome,
    Settle,
    SettleResult,
)
from usage.records import Record

APPLY = b"SELECT gateway_apply($1::bigint, $2::bigint[], $3::json, $4::json)::text"
LARGEST_BATCH = 256


class _Settle(msgspec.Struct, frozen=True, tag="close", tag_field="kind"):
    id: UUID
    workspace_id: int
    accepted_at: datetime
    actual: int | None
    lost: int


_NO_RECORD = msgspec.Raw(b"{}")  # in the place of what has none
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(tuple[list[HoldDecision | None], list[int], list[int]]).decode


def batch_length(operations: Iterable[Operation]) -> int:
    """Return how many of the first operations go into one batch: each for another request."""
    seen: set[UUID] = set()
    for operation in islice(operations, LARGEST_BATCH):
        if operation.id in seen:
            break
        seen.add(operation.id)
    return len(seen)


def parameters(operations: Sequence[Operation], *, owner: int) -> tuple[bytes, ...]:
    """Return the statement's parameters as text; raises ValueError for what is no Unicode.

    `owner` is whose holds are made.
    """
    given: list[Operation | _Settle] = []
    records: list[Record | msgspec.Raw] = []
    for operation in operations:
        if isinstance(operation, Settle):
            given.append(_flat(operation))
            records.append(operation.record)
        else:
            given.append(operation)
            records.append(_NO_RECORD)
    workspace_ids = {operation.workspace_id for operation in operations}
    locked = f"{{{','.join(map(str, workspace_ids))}}}"
    return b"%d" % owner, locked.encode(), _encode(given), _encode(records)


def outcomes(answer: bytes, count: int) -> list[Outcome]:
    """Return what became of each of `count` operations, in their order.

    Raises OperationalError for an answer that makes no sense: it is as good as a broken connection,
    since nobody can tell what was committed.
    """
    try:
        verdicts, amounts, losses = _decode(answer)
        if not len(verdicts) == len(amounts) == len(losses) == count:
            raise ValueError("another number of answers than of questions")
    except (msgspec.DecodeError, ValueError) as error:
        message = f"the ledger's answer makes no sense: {error}"
        raise psycopg.OperationalError(message) from None
    return [
        SettleResult(amount, lost) if verdict is None else HoldResult(verdict, amount)
        for verdict, amount, lost in zip(verdicts, amounts, losses, strict=True)
    ]


def _flat(close: Settle) -> _Settle:
    record = close.record
    return _Settle(
        record.id, record.workspace_id, record.accepted_at, close.actual, record.lost_credits
    )
