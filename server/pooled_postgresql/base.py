"""Django's backend for PostgreSQL, without connections that broke while idle in the pool, and
without waiting for a PostgreSQL that is unavailable."""

import time
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg_pool import PoolTimeout

from server.pooled_postgresql.availability import Availability, responds

# One that was idle, then others that broke in use and were returned.
_MOST_BROKEN = 5
# How long a request waits while PostgreSQL answers, but all connections are in use.
_LONGEST_WAIT_S = 4.0


class DatabaseWrapper(base.DatabaseWrapper):
    """Checks each connection before a request gets it, and whether PostgreSQL answers at all.

    psycopg_pool has such a check, but it pauses for a second or more after each broken connection.
    After a restart of PostgreSQL all pooled connections are broken, so a request would time out.

    During an outage a request fails within half a second at first. Once all pooled connections are
    known to be broken it fails at once, until PostgreSQL answers again.
    """

    _availability: Availability | None = None  # one for all threads of the process

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Return a working connection from the pool. Raises OperationalError."""
        availability = self._availability_of(conn_params)
        if availability.is_outage and self._is_pool_empty():
            raise _unavailable()
        for _ in range(_MOST_BROKEN):
            connection = self._take(conn_params, availability)
            if responds(connection):
                return connection
            connection.close()
            self.pool.putconn(connection)
            if not availability.answers():
                raise _unavailable()
            self.pool.check()  # replaces all other idle connections that broke
        raise psycopg.OperationalError("connections break as soon as they are made")

    def _is_pool_empty(self) -> bool:
        """Whether the pool has no connection, idle or in use.

        If it has one, that may well work: a PostgreSQL without room for another connection does not
        answer a new one.
        """
        return not self.pool.get_stats().get("pool_size")

    def _take(self, conn_params: dict[str, Any], availability: Availability) -> Any:
        """Wait for a connection only while PostgreSQL answers."""
        give_up_at = time.monotonic() + _LONGEST_WAIT_S
        while True:
            try:
                return super().get_new_connection(conn_params)
            except PoolTimeout:
                if not availability.answers():
                    raise _unavailable() from None
                if time.monotonic() > give_up_at:
                    raise

    @classmethod
    def _availability_of(cls, conn_params: dict[str, Any]) -> Availability:
        if cls._availability is None:
            cls._availability = Availability(
                lambda: psycopg.connect(**conn_params, autocommit=True).close()
            )
        return cls._availability


def _unavailable() -> psycopg.OperationalError:
    return psycopg.OperationalError("PostgreSQL is unavailable")
