"""One thread per process that writes money, batching whatever queued meanwhile.

While one transaction commits, the next operations gather; they all go into the next one. There is
no timer: an idle process answers after one commit, a busy one shares each commit among many calls.
Submitting is synchronous, so a cancelled call cannot lose its settlement: what was submitted will
be written whether or not anybody still waits for the answer.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from gateway.metering import batch
from gateway.metering.operations import (
    Close,
    Closed,
    Operation,
    Outcome,
    Release,
    Reserve,
    Reserved,
)

logger = logging.getLogger(__name__)

_BATCH_LIMIT = 256
_RECONNECT_PAUSE_S = 0.1
_CONNECT: dict[str, Any] = {
    "connect_timeout": 2,  # seconds; libpq knows no smaller number
    "keepalives_idle": 5,
    "tcp_user_timeout": 5000,  # ms: a host that vanished is noticed
    "application_name": "caicaini-writer",
}
_CONNECTION_LOST = (psycopg.OperationalError, psycopg.InterfaceError)


class LedgerAway(Exception):
    """PostgreSQL cannot be reached: no hold was made."""


@dataclass(slots=True, eq=False)
class _Job:
    operation: Operation
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"
    is_retry: bool = False


class Writer:
    """Runs operations against PostgreSQL for any number of event loops."""

    def __init__(self, *, conninfo: str, owner: int) -> None:
        self._conninfo = conninfo
        self._owner = owner
        self._jobs: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._is_stopping = False
        self._connection: psycopg.Connection[Any] | None = None
        self._is_away = True  # until the thread has connected
        self._thread = threading.Thread(target=self._run, name="money-writer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, *, timeout_s: float = 10.0) -> None:
        """Write what is queued, then end the thread."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify()
        self._thread.join(timeout_s)

    def reserve(self, operation: Reserve) -> "asyncio.Future[Reserved]":
        """Ask for a hold. While PostgreSQL is away this fails at once, with LedgerAway."""
        if self._is_away:
            raise LedgerAway
        return self._submit(operation)

    def close(self, operation: Close) -> "asyncio.Future[Closed]":
        """End a hold. It will be written, however long PostgreSQL is away."""
        return self._submit(operation)

    def release(self, operation: Release) -> None:
        """Void a hold that may or may not have been made; nobody waits for the answer."""
        self._submit(operation)

    def _submit(self, operation: Operation) -> "asyncio.Future[Any]":
        loop = asyncio.get_running_loop()
        job = _Job(operation, loop, loop.create_future())
        with self._changed:
            self._jobs.append(job)
            self._changed.notify()
        return job.future

    # --- the thread ---------------------------------------------------------------------------

    def _run(self) -> None:
        self._reconnect()
        while jobs := self._take():
            try:
                self._write_batch(jobs)
            except _CONNECTION_LOST as error:
                self._lost_connection(jobs, error)
                self._reconnect()
            except Exception:
                logger.exception("a batch of %d operations failed", len(jobs))
                self._write_one_by_one(jobs)
        self._disconnect()

    def _take(self) -> list[_Job]:
        """Wait for work; nothing comes back once we are stopping and all is written."""
        with self._changed:
            while not self._jobs and not self._is_stopping:
                self._changed.wait()
            count = min(len(self._jobs), _BATCH_LIMIT)
            return [self._jobs.popleft() for _ in range(count)]

    def _write_batch(self, jobs: Sequence[_Job]) -> None:
        if self._connection is None:
            raise psycopg.OperationalError("the ledger is away")
        with self._connection.transaction(), self._connection.cursor(binary=True) as cursor:
            outcomes = batch.apply(
                cursor,
                [job.operation for job in jobs],
                owner=self._owner,
                is_retry=any(job.is_retry for job in jobs),
            )
        _answer(jobs, outcomes)

    def _write_one_by_one(self, jobs: Sequence[_Job]) -> None:
        """One operation spoilt the batch: write the others, and fail that one alone."""
        for position, job in enumerate(jobs):
            try:
                self._write_batch([job])
            except _CONNECTION_LOST as error:
                self._lost_connection(jobs[position:], error)
                self._reconnect()
                return
            except Exception as error:
                logger.exception("operation failed: %s", job.operation)
                job.loop.call_soon_threadsafe(_fail, job.future, error)

    def _reconnect(self) -> None:
        """Try until PostgreSQL is there; once we are stopping, one attempt must do."""
        while self._connection is None:
            try:
                self._connection = psycopg.connect(self._conninfo, autocommit=True, **_CONNECT)
                self._is_away = False
                logger.info("the ledger is there")
            except _CONNECTION_LOST:
                if self._is_stopping:
                    return
                time.sleep(_RECONNECT_PAUSE_S)

    def _lost_connection(self, jobs: Sequence[_Job], error: Exception) -> None:
        """Refuse what asks for a hold, keep what ends one.

        Whether the last commit happened is unknown: a refused hold may exist after all and is
        released when PostgreSQL is back; what is kept is run again as a retry.
        """
        logger.error("the ledger is away: %s", (str(error).splitlines() or [""])[0])
        self._is_away = True
        self._disconnect()
        with self._changed:
            waiting = [*jobs, *self._jobs]
            self._jobs = deque(_after_loss(job) for job in waiting)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _answer(jobs: Sequence[_Job], outcomes: Sequence[Outcome]) -> None:
    """Hand the outcomes to the event loops: one wake-up per loop, not one per call."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Outcome]]] = {}
    for job, outcome in zip(jobs, outcomes, strict=True):
        by_loop.setdefault(job.loop, []).append((job.future, outcome))
    for loop, answers in by_loop.items():
        loop.call_soon_threadsafe(_resolve, answers)


def _after_loss(job: _Job) -> _Job:
    if not isinstance(job.operation, Reserve):
        job.is_retry = True
        return job
    job.loop.call_soon_threadsafe(_fail, job.future, LedgerAway())
    release = Release(job.operation.id, job.operation.workspace_id)
    return _Job(release, job.loop, job.loop.create_future(), is_retry=True)


def _resolve(answers: "Sequence[tuple[asyncio.Future[Any], Outcome]]") -> None:
    for future, outcome in answers:
        if not future.done():
            future.set_result(outcome)


def _fail(future: "asyncio.Future[Any]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
