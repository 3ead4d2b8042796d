"""Django's `migrate`, which waits for a lock for three seconds at most.

While a migration waits for a table, every later statement waits behind it. The gateway gives a
batch five seconds before it counts PostgreSQL as unavailable.
"""

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError, connections
from psycopg.errors import LockNotAvailable


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate; raise CommandError if a migration could not get its lock."""
        connection = connections[options["database"]]
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '3s'")
        try:
            super().handle(*args, **options)
        except OperationalError as error:
            if isinstance(error.__cause__, LockNotAvailable):
                raise CommandError(
                    "A migration could not lock a table within 3 seconds and was undone: "
                    "run migrate again; long transactions are in pg_stat_activity."
                ) from error
            raise
        finally:
            if connection.is_usable():
                with connection.cursor() as cursor:
                    cursor.execute("RESET lock_timeout")
