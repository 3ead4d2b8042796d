"""A pool of PostgreSQL connections for Django in web processes.

Under ASGI each request has its own thread, and a new connection costs more than most requests.
Workers and commands have no pool: they have few threads, and keep them.

The gateway has pools of its own with the same repair (gateway/runtime/services.py). The code cannot
be shared: its pools are asynchronous and call back a `check`, which Django's backend reserves.
"""

from django.conf import settings

_POOL = {
    # Idle connections are the ones that can break unnoticed: few are kept, and not for long.
    "min_size": 1,
    "max_size": 32,
    "max_idle": 10,
    # Seconds until a request without a connection asks whether PostgreSQL answers at all; as long
    # as it does, the request goes on waiting (base.py).
    "timeout": 0.15,
    # Seconds until the pool stops its own attempts to reconnect, whose pauses double each time: the
    # next request then makes it try at once.
    "reconnect_timeout": 0.1,
}
# Seconds; libpq accepts no smaller number. A thread of the pool that connects to a server that
# vanished would otherwise be busy for minutes.
_CONNECT_TIMEOUT_S = 2


def use_pool() -> None:
    """Let Django use the pool; must be called before its first connection."""
    database = settings.DATABASES["default"]
    database["ENGINE"] = __name__  # Django loads base.py of this package
    database["OPTIONS"]["pool"] = _POOL
    database["OPTIONS"].setdefault("connect_timeout", _CONNECT_TIMEOUT_S)
