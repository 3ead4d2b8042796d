"""An operation and whoever waits to hear what became of it."""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from gateway.metering.operations import Operation, Outcome, Void


class LedgerUnreachable(Exception):
    """PostgreSQL cannot be reached: no hold was made."""


class PendingOperation(NamedTuple):
    """`future` gets the Outcome, or an error; nobody may be waiting for it any more."""

    operation: Operation
    future: "asyncio.Future[Any]"


def void_of(job: PendingOperation) -> PendingOperation:
    """Return what voids the hold of a job that has been answered."""
    operation = Void(job.operation.id, job.operation.workspace_id)
    return PendingOperation(operation, job.future)  # the future is done: nobody waits


def resolve_all(jobs: Sequence[PendingOperation], outcomes: Sequence[Outcome | Exception]) -> None:
    """Tell each what became of it."""
    for job, outcome in zip(jobs, outcomes, strict=True):
        tell(job, outcome)


def tell(job: PendingOperation, outcome: Outcome | Exception) -> None:
    """Tell one, unless it was told before or is gone."""
    if job.future.done():
        return
    if isinstance(outcome, Exception):
        job.future.set_exception(outcome)
    else:
        job.future.set_result(outcome)
