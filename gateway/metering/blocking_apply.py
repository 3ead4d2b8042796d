"""Apply operations and wait for PostgreSQL: for threads, which have no event loop to keep free."""

import logging
from collections.abc import Sequence
from typing import Any

import psycopg

from gateway.metering import apply_call
from gateway.metering.connections import is_unavailable
from gateway.metering.operations import Operation, Outcome, Settle, SettleResult, Void

logger = logging.getLogger(__name__)


def write(
    connection: psycopg.Connection[Any], operations: Sequence[Operation], *, owner: int
) -> list[Outcome | Exception]:
    """Return each operation's result, in order; an error is that operation's alone.

    Raises the errors of `is_unavailable`; it is then unknown what was committed.
    """
    written: list[Outcome | Exception] = []
    while rest := operations[len(written) :]:
        batch = rest[: apply_call.batch_length(rest)]
        written += _write_batch(connection, batch, owner=owner)
    return written


def try_out(connection: psycopg.Connection[Any], *, owner: int) -> None:
    """Write an empty batch; raises the error that would reject every batch."""
    _apply(connection, [], owner=owner)


def replay(
    connection: psycopg.Connection[Any], settles: Sequence[Settle], *, owner: int
) -> list[Settle]:
    """Write the settlements of a journal; return those whose charge the ledger lacks.

    PostgreSQL rejected them; or it has no such hold, after a restore of a backup that is older than
    the journal; or the hold was voided and its credits were spent.
    """
    outcomes = write(connection, settles, owner=owner)
    return [
        settle
        for settle, outcome in zip(settles, outcomes, strict=True)
        if not isinstance(outcome, SettleResult) or _differs(settle, outcome)
    ]


def _differs(settle: Settle, result: SettleResult) -> bool:
    """Whether the caller received another charge than the ledger has now; this is logged."""
    expected = settle.expected_result()
    if (result.charged, result.lost) == (expected.charged, expected.lost):
        return False
    logger.error(
        "call %s: %d credits charged and %d lost, but its caller received %d and %d",
        settle.id,
        result.charged,
        result.lost,
        expected.charged,
        expected.lost,
    )
    return True


def _write_batch(
    connection: psycopg.Connection[Any], batch: Sequence[Operation], *, owner: int
) -> Sequence[Outcome | Exception]:
    if len(batch) > 1:
        try:
            return _apply(connection, batch, owner=owner)
        except Exception as error:
            if is_unavailable(error):
                raise
            logger.exception("a batch of %d operations failed", len(batch))
    return [_write_alone(connection, operation, owner=owner) for operation in batch]


def _write_alone(
    connection: psycopg.Connection[Any], operation: Operation, *, owner: int
) -> Outcome | Exception:
    try:
        [outcome] = _apply(connection, [operation], owner=owner)
    except Exception as error:
        if is_unavailable(error):
            raise
        logger.exception("operation failed: %s", operation)
        if isinstance(operation, Settle):
            # While the hold's owner lives, no reaper would ever void it.
            void = Void(operation.id, operation.workspace_id)
            _write_alone(connection, void, owner=owner)
        return error
    return outcome


def _apply(
    connection: psycopg.Connection[Any], operations: Sequence[Operation], *, owner: int
) -> list[Outcome]:
    given = [text.decode() for text in apply_call.parameters(operations, owner=owner)]
    cursor = psycopg.RawCursor(connection)
    [answer] = cursor.execute(apply_call.APPLY, given).fetchone() or ("",)
    return apply_call.outcomes(answer.encode(), len(operations))
