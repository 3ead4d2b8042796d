"""Free the holds of processes that died, and prove that this one lives.

Each process keeps a session advisory lock on its owner number, over a connection that does nothing
else: the lock is free as soon as PostgreSQL sees the process gone, with no clock and no heartbeat.
It must stay idle, because PostgreSQL notices a dead client late while it runs a query for it.

A restart of PostgreSQL frees every lock while the owners live. So an owner counts as dead only
when its lock was free at two looks, some seconds apart, and not soon after a restart; owners take
their lock again at once when their connection breaks.
"""

import logging
import select
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import psycopg

from billing import holds
from keys import standing

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
FREE_FOR_S = 2.0
RESTART_GRACE_S = 10.0
_CONNECT: dict[str, Any] = {"connect_timeout": 2, "autocommit": True}
_CONNECTION_LOST = (psycopg.OperationalError, psycopg.InterfaceError)
_UPTIME = "SELECT extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())"


class Lifeline:
    """Runs beside the event loop in a thread of its own.

    `take_used_keys` hands over which keys were used since it was last asked; their `last_used_at`
    is written here, off the path of any call.
    """

    def __init__(
        self, *, conninfo: str, owner: int, take_used_keys: Callable[[], dict[int, datetime]]
    ) -> None:
        self._conninfo = conninfo
        self._owner = owner
        self._take_used_keys = take_used_keys
        self._lock: psycopg.Connection[Any] | None = None
        self._work: psycopg.Connection[Any] | None = None
        self._free_since: dict[int, float] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lifeline", daemon=True)

    def start(self) -> None:
        """Take the lock if PostgreSQL is there, and start the thread."""
        try:
            self._keep_lock()
        except _CONNECTION_LOST as error:
            logger.error("no lifeline yet: %s", str(error).strip())
        self._thread.start()

    def stop(self) -> None:
        """End the thread and let the lock go."""
        self._stopping.set()
        self._thread.join(10)
        for connection in (self._work, self._lock):
            if connection is not None:
                connection.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._keep_lock()
                self._wait()
                self._look()
            except _CONNECTION_LOST as error:
                logger.warning("lifeline: %s", (str(error).splitlines() or [""])[0])
                self._close_broken()
                self._stopping.wait(0.1)
        self._flush_used_keys()

    def _keep_lock(self) -> None:
        if self._lock is None:
            self._lock = psycopg.connect(
                self._conninfo, application_name="caicaini-lifeline", **_CONNECT
            )
            self._lock.execute("SELECT pg_advisory_lock(%s)", [self._owner])

    def _wait(self) -> None:
        """Sleep until the next look; a connection that breaks meanwhile wakes us at once."""
        assert self._lock is not None
        readable, _, _ = select.select([self._lock.fileno()], [], [], LOOK_EVERY_S)
        if readable:
            raise psycopg.OperationalError("the lock's connection broke")

    def _look(self) -> None:
        if self._work is None:
            self._work = psycopg.connect(
                self._conninfo, application_name="caicaini-reaper", **_CONNECT
            )
        self._flush_used_keys()
        with self._work.cursor() as cursor:
            dead = self._dead_owners(cursor)
        for owner in dead:
            self._reap(owner)

    def _dead_owners(self, cursor: psycopg.Cursor[Any]) -> list[int]:
        now = time.monotonic()
        owners = [owner for owner in holds.owners_of_open_holds(cursor) if owner != self._owner]
        free = {owner for owner in owners if _is_lock_free(cursor, owner)}
        self._free_since = {owner: self._free_since.get(owner, now) for owner in free}
        dead = [owner for owner, since in self._free_since.items() if now - since >= FREE_FOR_S]
        if dead and _uptime_s(cursor) < RESTART_GRACE_S:
            return []
        return dead

    def _reap(self, owner: int) -> None:
        """Void a dead process's holds, under its own lock: were it alive, it would have that."""
        assert self._work is not None
        with self._work.transaction(), self._work.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [owner])
            if cursor.fetchone() == (True,):
                count = holds.void_holds_of(cursor, owner=owner)
                logger.warning("voided %d holds of a process that is gone", count)
        self._free_since.pop(owner, None)

    def _flush_used_keys(self) -> None:
        used = self._take_used_keys()
        if used and self._work is not None:
            with self._work.cursor() as cursor:
                standing.touch(cursor, used)

    def _close_broken(self) -> None:
        for connection in (self._lock, self._work):
            if connection is not None:
                connection.close()
        self._lock = self._work = None


def _is_lock_free(cursor: psycopg.Cursor[Any], owner: int) -> bool:
    cursor.execute("SELECT pg_try_advisory_lock(%s)", [owner])
    is_free = cursor.fetchone() == (True,)
    if is_free:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [owner])
    return is_free


def _uptime_s(cursor: psycopg.Cursor[Any]) -> float:
    cursor.execute(_UPTIME)
    row = cursor.fetchone()
    return float(row[0]) if row else 0.0
