"""Checks that a command's servers are reachable; `health.py` has the checks for requests.

Web processes and workers start without a check: they serve once the servers are reachable.
"""

import redis
from django.conf import settings
from django.db import OperationalError, connection

_TIMEOUT_S = 5.0


def database_error() -> str:
    """Return in one sentence, without the password, why the database is unreachable, or ""."""
    try:
        connection.close()
        connection.ensure_connection()
    except OperationalError as error:
        if settings.DATABASE_URL:
            return f"Cannot connect to the database of DATABASE_URL: {_first_line(error)}."
        return (
            "There is no database: start bin/up on this DATA_DIR, or set DATABASE_URL "
            f"({_first_line(error)})."
        )
    return ""


def redis_error() -> str:
    """Return in one sentence why Redis is unreachable, or ""."""
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S
        ) as client:
            client.ping()
    except redis.RedisError as error:
        return f"Cannot connect to the Redis of REDIS_URL: {_first_line(error)}."
    return ""


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(". ")
