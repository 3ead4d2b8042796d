"""One log line a second at most while PostgreSQL is unavailable, and no traceback: the state is
known, and each request and each attempt to connect would repeat it."""

import logging
import threading
import time
from collections.abc import Callable

from web.database_outage import is_outage

_ONCE_IN_S = 1.0
# psycopg_pool logs each attempt to connect, and each connection that broke.
_OF_POOL = ("error connecting in", "reconnection attempt in", "discarding ")


class OutageLogFilter(logging.Filter):
    """Shortens a record of an outage, and drops it within a second of the last one.

    A record is of an outage if its exception is, if a pool cannot connect, if it reports a process
    that is not ready, or if its logger passed `extra={"is_outage": True}`.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._guard = threading.Lock()
        self._next_at = float("-inf")
        self._dropped = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is written."""
        error = record.exc_info[1] if record.exc_info else None
        is_marked = record.__dict__.pop("is_outage", False)
        if not (is_marked or is_outage(error) or _is_of_pool(record) or _is_of_readiness(record)):
            return True
        with self._guard:
            if self._clock() < self._next_at:
                self._dropped += 1
                return False
            self._next_at = self._clock() + _ONCE_IN_S
            dropped, self._dropped = self._dropped, 0
        _shorten(record, error, dropped=dropped)
        return True


def _is_of_pool(record: logging.LogRecord) -> bool:
    return record.name == "psycopg.pool" and str(record.msg).startswith(_OF_POOL)


def _is_of_readiness(record: logging.LogRecord) -> bool:
    """Whether Django logs a 503 of /readyz, which is asked several times a second."""
    return getattr(getattr(record, "request", None), "path", "") == "/readyz"


def _shorten(record: logging.LogRecord, error: BaseException | None, *, dropped: int) -> None:
    lines = [record.getMessage().partition("\n")[0]]
    if error is not None:
        lines.append(str(error).partition("\n")[0])
    if dropped:
        lines.append(f"({dropped} more lines about what is unavailable left out)")
    record.msg, record.args = " ".join(lines), ()
    record.exc_info = record.exc_text = None
    record.__dict__.pop("data", None)  # Celery's, with the traceback as text
