"""Commit operations together; where one spoils the others, each on its own."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import psycopg

from billing.statements import Statement
from gateway.metering.batch import Batch
from gateway.metering.connections import CONNECTION_LOST
from gateway.metering.operations import Close, Operation, Outcome, Release
from gateway.metering.round_trips import forget, round_trip

logger = logging.getLogger(__name__)

LARGEST_BATCH = 256
_BEGIN, _COMMIT = Statement(b"BEGIN"), Statement(b"COMMIT")


def write(
    connection: psycopg.Connection[Any], operations: Sequence[Operation], *, owner: int
) -> list[Outcome | Exception]:
    """Return what became of each operation, in order; an error is that operation's alone.

    Raises one of CONNECTION_LOST when nobody can tell what was committed.
    """
    try:
        return [*_commit(connection, operations, owner=owner)]
    except CONNECTION_LOST:
        raise
    except Exception:
        logger.exception("a batch of %d operations failed", len(operations))
    return [_commit_alone(connection, operation, owner=owner) for operation in operations]


def replay(
    connection: psycopg.Connection[Any], closes: Sequence[Close], *, owner: int
) -> list[Close]:
    """Write ends that a journal kept; return those that the ledger would not take."""
    failed = []
    for start in range(0, len(closes), LARGEST_BATCH):
        batch_of_closes = closes[start : start + LARGEST_BATCH]
        outcomes = write(connection, batch_of_closes, owner=owner)
        for close, outcome in zip(batch_of_closes, outcomes, strict=True):
            if isinstance(outcome, Exception):
                failed.append(close)
            elif outcome != close.planned():
                logger.error("call %s was told %s: in truth %s", close.id, close.planned(), outcome)
    return failed


def _commit(
    connection: psycopg.Connection[Any], operations: Sequence[Operation], *, owner: int
) -> list[Outcome]:
    """Ask, decide, write and commit, in two round trips unless there are doubts."""
    batch = Batch(operations, owner=owner)
    try:
        _, *answers = round_trip(connection, [_BEGIN, *batch.questions()])
        batch.hear(answers)
        if doubts := batch.doubts():
            batch.hear_recorded(round_trip(connection, doubts))
        outcomes = batch.decide()
        round_trip(connection, [*batch.writes(), _COMMIT])
        return outcomes
    except Exception:
        with suppress(*CONNECTION_LOST):
            connection.rollback()
            forget(connection)
        raise


def _commit_alone(
    connection: psycopg.Connection[Any], operation: Operation, *, owner: int
) -> Outcome | Exception:
    try:
        [outcome] = _commit(connection, [operation], owner=owner)
    except CONNECTION_LOST:
        raise
    except Exception as error:
        logger.exception("operation failed: %s", operation)
        if isinstance(operation, Close):
            # Its owner lives, so no reaper would ever free what it holds.
            release = Release(operation.id, operation.workspace_id)
            _commit_alone(connection, release, owner=owner)
        return error
    return outcome
