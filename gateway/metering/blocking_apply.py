"""Write operations and wait for PostgreSQL: for threads, which have no event loop to keep free."""

import logging
from collections.abc import Sequence
from typing import Any

import psycopg

from gateway.metering import apply_call
from gateway.metering.connections import is_unavailable
from gateway.metering.operations import Operation, Outcome, Settle, Void

logger = logging.getLogger(__name__)


def write(
    connection: psycopg.Connection[Any], operations: Sequence[Operation], *, owner: int
) -> list[Outcome | Exception]:
    """Return what became of each operation, in order; an error is that operation's alone.

    Raises what `is_away` knows when the ledger takes nothing, or when nobody can tell what was
    committed.
    """
    written: list[Outcome | Exception] = []
    while rest := operations[len(written) :]:
        batch = rest[: apply_call.batch_length(rest)]
        written += _write_batch(connection, batch, owner=owner)
    return written


def try_out(connection: psycopg.Connection[Any], *, owner: int) -> None:
    """Write nothing, as a batch of nothing; raises what would keep others from being written."""
    _apply(connection, [], owner=owner)


def replay(
    connection: psycopg.Connection[Any], closes: Sequence[Settle], *, owner: int
) -> list[Settle]:
    """Write ends that a journal kept; return those that the ledger would not take."""
    failed = []
    outcomes = write(connection, closes, owner=owner)
    for close, outcome in zip(closes, outcomes, strict=True):
        if isinstance(outcome, Exception):
            failed.append(close)
        elif outcome != close.planned():
            logger.error("call %s was told %s: in truth %s", close.id, close.planned(), outcome)
    return failed


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
            # Where its owner lives, no reaper would ever free what it holds.
            release = Void(operation.id, operation.workspace_id)
            _write_alone(connection, release, owner=owner)
        return error
    return outcome


def _apply(
    connection: psycopg.Connection[Any], operations: Sequence[Operation], *, owner: int
) -> list[Outcome]:
    given = [text.decode() for text in apply_call.parameters(operations, owner=owner)]
    cursor = psycopg.RawCursor(connection)
    [answer] = cursor.execute(apply_call.APPLY, given).fetchone() or ("",)
    return apply_call.outcomes(answer.encode(), len(operations))
