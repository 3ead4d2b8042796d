"""Puts into one sentence that a server a command needs is not there; `health.py` is for requests.

Web processes and workers start without: they serve once the server is back.
"""

import redis
from django.conf import settings
from django.db import OperationalError, connection

_PATIENCE_S = 5.0


def database_trouble() -> str:
    """Return why the database cannot be connected to, or nothing; the password is not in it."""
    try:
        connection.close()
        connection.ensure_connection()
    except OperationalError as error:
        if settings.DATABASE_URL:
            return f"DATABASE_URL leads to no database that lets us in: {_first_line(error)}."
        return (
            "There is no database: start bin/up on this DATA_DIR, or set DATABASE_URL "
            f"({_first_line(error)})."
        )
    return ""


def redis_trouble() -> str:
    """Return why Redis cannot be used, or nothing."""
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=_PATIENCE_S, socket_connect_timeout=_PATIENCE_S
        ) as client:
            client.ping()
    except redis.RedisError as error:
        return f"REDIS_URL leads to no Redis that lets us in: {_first_line(error)}."
    return ""


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(". ")
