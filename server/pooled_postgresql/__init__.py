"""The pool that a web process's threads borrow Django's connections from.

Under ASGI each request has a thread of its own, and connecting anew costs more than most requests
do. Only web processes have it: workers and commands have few threads, and keep them.
"""

from django.conf import settings

_POOL = {
    # Idle connections are the ones that can break unnoticed: few are kept, and not for long.
    "min_size": 1,
    "max_size": 32,
    "max_idle": 10,
    # Seconds until somebody who finds none is told so.
    "timeout": 4,
    # A database that was away is asked again by whoever comes next, and not after a pause that has
    # doubled all the while.
    "reconnect_timeout": 1,
}


def use_pool() -> None:
    """Let Django borrow its connections; to be called before the first one is made."""
    database = settings.DATABASES["default"]
    database["ENGINE"] = __name__  # base.py: Django wants it under that name
    database["OPTIONS"]["pool"] = _POOL
