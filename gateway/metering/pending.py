"""An operation that was submitted, and the future of its result."""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from gateway.metering.operations import Operation, Outcome, Void


class LedgerUnreachable(Exception):
    """PostgreSQL is unavailable: no hold was made."""


class PendingOperation(NamedTuple):
    """`future` gets the Outcome, or an error; its caller may have left already."""

    operation: Operation
    future: "asyncio.Future[Any]"


def void_of(pending: PendingOperation) -> PendingOperation:
    """Return what voids the hold of an operation that was resolved."""
    operation = Void(pending.operation.id, pending.operation.workspace_id)
    return PendingOperation(operation, pending.future)  # done already: resolving it does nothing


def resolve_all(batch: Sequence[PendingOperation], outcomes: Sequence[Outcome | Exception]) -> None:
    """Give each operation its outcome."""
    for pending, outcome in zip(batch, outcomes, strict=True):
        resolve(pending, outcome)


def resolve(pending: PendingOperation, outcome: Outcome | Exception) -> None:
    """Set the future, unless it is done or cancelled already."""
    if pending.future.done():
        return
    if isinstance(outcome, Exception):
        pending.future.set_exception(outcome)
    else:
        pending.future.set_result(outcome)
