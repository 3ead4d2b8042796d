"""An operation and whoever waits to hear what became of it."""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from gateway.metering.operations import Operation, Outcome, Release


class LedgerAway(Exception):
    """PostgreSQL cannot be reached: no hold was made."""


class Job(NamedTuple):
    """`future` gets the Outcome, or an error; nobody may be waiting for it any more."""

    operation: Operation
    future: "asyncio.Future[Any]"


def release_of(job: Job) -> Job:
    """Return what voids the hold of a job that has been answered."""
    operation = Release(job.operation.id, job.operation.workspace_id)
    return Job(operation, job.future)  # the future is done: nobody waits


def tell_all(jobs: Sequence[Job], outcomes: Sequence[Outcome | Exception]) -> None:
    """Tell each what became of it."""
    for job, outcome in zip(jobs, outcomes, strict=True):
        tell(job, outcome)


def tell(job: Job, outcome: Outcome | Exception) -> None:
    """Tell one, unless it was told before or is gone."""
    if job.future.done():
        return
    if isinstance(outcome, Exception):
        job.future.set_exception(outcome)
    else:
        job.future.set_result(outcome)
