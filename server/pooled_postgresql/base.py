"""Django's backend for PostgreSQL, which lends no connection that broke while it was idle."""

from typing import Any

import psycopg
from django.db.backends.postgresql import base

# One that was idle, and then others that broke while they were in use.
_MOST_BROKEN = 5


class DatabaseWrapper(base.DatabaseWrapper):
    """Asks each connection before it is lent.

    The pool can do that by itself. But where it finds one broken it waits for a second or more
    before it takes the next, which after a restart of PostgreSQL has broken as well: a handful of
    those, and whoever asks is told that there is no database.
    """

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Borrow one that is whole; raises an OperationalError where there is none in time."""
        for _ in range(_MOST_BROKEN):
            connection = super().get_new_connection(conn_params)
            if self._is_whole(connection):
                return connection
            self.pool.putconn(connection)
            self.pool.check()  # those that were idle beside it: all are replaced at once
        raise psycopg.OperationalError("connections break as soon as they are made")

    def _is_whole(self, connection: "psycopg.Connection[Any]") -> bool:
        try:
            self.pool.check_connection(connection)
        except psycopg.Error:
            return False
        return True
