"""Connections on which no statement waits without end for an answer.

`statement_timeout` and the TCP timeouts end most waits. They do not help where a session hangs, or
a proxy keeps the connection and loses what was sent. A thread or pool that waits there would never
connect again.
"""

from collections.abc import Generator
from typing import Any

from psycopg import AsyncConnection, Connection, OperationalError
from psycopg.abc import RV, PQGen

# Turns of a tenth of a second without a byte, as psycopg counts them, so that a pause of this
# process is one turn. They are two seconds more than the connection's `statement_timeout`: for the
# way there and back, and for the commit, which no timeout of PostgreSQL limits.
NO_ANSWER_TURNS = 70
_POOL_TURNS = 120


class NoAnswer(OperationalError):
    """A statement had no answer in time; the connection is closed."""


class BoundedConnection(Connection[Any]):
    """For the threads of metering; NO_ANSWER_TURNS."""

    def wait(self, gen: PQGen[RV], *arguments: Any, **options: Any) -> RV:
        """Run psycopg's generator; raises NoAnswer."""
        try:
            return super().wait(_bounded(gen, turns=NO_ANSWER_TURNS), *arguments, **options)
        except NoAnswer:
            self.pgconn.finish()
            raise


class AsyncBoundedConnection(AsyncConnection[Any]):
    """For the gateway's pools, whose `statement_timeout` is longer."""

    async def wait(self, gen: PQGen[RV], *arguments: Any, **options: Any) -> RV:
        """Run psycopg's generator; raises NoAnswer."""
        try:
            return await super().wait(_bounded(gen, turns=_POOL_TURNS), *arguments, **options)
        except NoAnswer:
            self.pgconn.finish()
            raise


def _bounded(gen: PQGen[RV], *, turns: int) -> Generator[Any, Any, RV]:
    """Pass everything on; psycopg resumes a generator after each interval, ready or not."""
    silent = 0
    try:
        wanted = next(gen)
        while silent < turns:
            ready = yield wanted
            silent = 0 if ready else silent + 1
            wanted = gen.send(ready)
    except StopIteration as done:
        result: RV = done.value
        return result
    raise NoAnswer("PostgreSQL did not answer a statement in time")
