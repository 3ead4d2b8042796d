"""Redis for code that answers a page: connections that the whole process shares, and short waits.

Redis may be unavailable: callers decide what a page says then.
"""

from functools import cache

import redis

_TIMEOUT_S = 0.25


@cache
def shared_redis(url: str) -> redis.Redis:
    """Return the process's client of a server; threads may share it."""
    return redis.Redis.from_url(url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S)
