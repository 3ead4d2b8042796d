"""The one statement that applies operations to the ledger: its parameters and its result.

gateway/metering/sql/gateway_apply_2.sql has the function and describes both.
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
    ReachedLimit,
    Settle,
    SettleResult,
)
from usage.records import Record

# The function alone in FROM, so that a distributed PostgreSQL can delegate the call.
APPLY = (
    b"SELECT answer::text"
    b" FROM gateway_apply_2($1::bigint, $2::bigint[], $3::json, $4::json) AS answer"
)
LARGEST_BATCH = 256


class _Settle(msgspec.Struct, frozen=True, tag="settle", tag_field="kind"):
    id: UUID
    workspace_id: int
    accepted_at: datetime
    actual: int | None
    lost: int


class _Answer(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """A list for each field, with an element for each operation."""

    decisions: list[HoldDecision | None]
    charged: list[int]
    lost: list[int]
    posted: list[int]
    held: list[int]
    balances_after: list[int | None]
    limits: list[ReachedLimit | None]


_NO_RECORD = msgspec.Raw(b"{}")
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Answer).decode


def batch_length(operations: Iterable[Operation]) -> int:
    """Return how many of the first operations go into one batch: each for another request."""
    seen: set[int] = set()  # not of UUIDs: each look at one calls a function of Python's
    for operation in islice(operations, LARGEST_BATCH):
        number = operation.id.int
        if number in seen:
            break
        seen.add(number)
    return len(seen)


def parameters(operations: Sequence[Operation], *, owner: int) -> tuple[bytes, ...]:
    """Return the statement's parameters as text; raises ValueError for text that is not Unicode.

    `owner` is the process that makes the holds.
    """
    given: list[Operation | _Settle] = []
    records: list[Record | msgspec.Raw] = []
    for operation in operations:
        if isinstance(operation, Settle):
            given.append(_without_record(operation))
            records.append(operation.record)
        else:
            given.append(operation)
            records.append(_NO_RECORD)
    workspace_ids = {operation.workspace_id for operation in operations}
    locked = f"{{{','.join(map(str, workspace_ids))}}}"
    return b"%d" % owner, locked.encode(), _encode(given), _encode(records)


def outcomes(answer: bytes, count: int) -> list[Outcome]:
    """Return the results of `count` operations, in their order.

    Raises OperationalError for an answer that cannot be decoded: as with a broken connection, it is
    unknown what was committed.
    """
    try:
        decoded = _decode(answer)
        columns = msgspec.structs.astuple(decoded)
        if set(map(len, columns)) != {count}:
            raise ValueError(f"not {count} results")
    except (msgspec.DecodeError, ValueError) as error:
        message = f"the ledger's answer cannot be decoded: {error}"
        raise psycopg.OperationalError(message) from None
    return [_outcome(*fields) for fields in zip(*columns, strict=True)]


def _outcome(
    decision: HoldDecision | None,
    charged: int,
    lost: int,
    posted: int,
    held: int,
    balance_after: int | None,
    limit: ReachedLimit | None,
) -> Outcome:
    if decision is None:
        return SettleResult(charged, lost, posted, held, balance_after)
    return HoldResult(decision, posted, held, limit)


def _without_record(settle: Settle) -> _Settle:
    record = settle.record
    return _Settle(
        record.id, record.workspace_id, record.accepted_at, settle.actual, record.lost_credits
    )
