"""Tells errors of an unavailable PostgreSQL from all others."""

import django.db
import psycopg

# SQLSTATE classes and codes: the connection failed, resources are exhausted, the server starts or
# stops, it is read-only (after a failover).
_SQLSTATES = ("08", "53", "57P", "25006")
# A query on a connection that broke earlier in the same request, in psycopg's words.
_CLOSED = "the connection is closed"
_MOST_CAUSES = 10


def is_outage(error: BaseException | None) -> bool:
    """Whether the error, or one that led to it, means that PostgreSQL is unavailable.

    A timeout of a statement or of a lock does not: the server works.
    """
    for _ in range(_MOST_CAUSES):
        if error is None:
            return False
        if isinstance(error, django.db.Error) and _is_unavailable(error.__cause__):
            return True
        error = error.__cause__ or error.__context__
    return False


def _is_unavailable(error: BaseException | None) -> bool:
    """Look at psycopg's own error; one without a SQLSTATE comes from the client's side."""
    if not isinstance(error, psycopg.Error):
        return False
    if error.sqlstate:
        return error.sqlstate.startswith(_SQLSTATES)
    if isinstance(error, psycopg.InterfaceError):
        return _CLOSED in str(error)
    return isinstance(error, psycopg.OperationalError)
