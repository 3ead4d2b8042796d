"""Django's backend for PostgreSQL, without connections that broke while idle in the pool."""

from typing import Any

import psycopg
from django.db.backends.postgresql import base

# One that was idle, then others that broke in use and were returned.
_MOST_BROKEN = 5


class DatabaseWrapper(base.DatabaseWrapper):
    """Checks each connection before a request gets it.

    psycopg_pool has such a check, but it pauses for a second or more after each broken connection.
    After a restart of PostgreSQL all pooled connections are broken, so a request would time out.
    """

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Return a working connection from the pool. Raises OperationalError."""
        for _ in range(_MOST_BROKEN):
            connection = super().get_new_connection(conn_params)
            if self._is_working(connection):
                return connection
            self.pool.putconn(connection)
            self.pool.check()  # replaces all other idle connections that broke
        raise psycopg.OperationalError("connections break as soon as they are made")

    def _is_working(self, connection: "psycopg.Connection[Any]") -> bool:
        try:
            self.pool.check_connection(connection)
        except psycopg.Error:
            return False
        return True
