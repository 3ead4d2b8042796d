"""Prove that this process lives, and look after the holds of those that do not.

Each process keeps a session advisory lock on its owner number, over a connection that does nothing
else: the lock is free as soon as PostgreSQL sees the process gone, with no clock and no heartbeat.
It must stay idle, because PostgreSQL notices a dead client late while it runs a query for it.
"""

import logging
import select
import socket
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import psycopg

from gateway.metering.connections import CONNECTION_LOST, connect, first_line, is_unavailable
from gateway.metering.reaper import FREE_FOR_S, Reaper
from keys import gateway_queries

logger = logging.getLogger(__name__)

_LOOK_EVERY_S = 1.0
_RECONNECT_PAUSE_S = 0.1
# A lock that was lost must be back before a reaper has seen it free for long enough.
_LOCK_MAY_BE_LOST_FOR_S = FREE_FOR_S / 2


class LivenessLock:
    """Runs beside the event loop in a thread of its own.

    `take_used_keys` hands over which keys were used since it was last asked; their `last_used_at`
    is written here, off the path of any call.
    """

    def __init__(
        self,
        *,
        conninfo: str,
        owner: int,
        reaper: Reaper,
        take_used_keys: Callable[[], dict[int, datetime]],
    ) -> None:
        self._conninfo = conninfo
        self._owner = owner
        self._reaper = reaper
        self._take_used_keys = take_used_keys
        self._lock: psycopg.Connection[Any] | None = None
        self._work: psycopg.Connection[Any] | None = None
        self._locked_at = float("-inf")
        self._stopping = threading.Event()
        self._stop_heard, self._stop_said = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="lifeline", daemon=True)

    def start(self) -> None:
        """Take the lock if PostgreSQL is there, and start the thread."""
        try:
            self._keep_lock()
        except CONNECTION_LOST as error:
            logger.error("no lifeline yet: %s", first_line(error))
        self._thread.start()

    def stop(self) -> None:
        """End the thread and let the lock go."""
        self._stopping.set()
        self._stop_said.close()
        self._thread.join(10)
        self._stop_heard.close()
        self._close_work()
        self._lose_lock()

    def protects(self) -> bool:
        """Whether holds that are made now will not be taken for a dead process's."""
        if self._lock is not None:
            return True
        return time.monotonic() - self._locked_at < _LOCK_MAY_BE_LOST_FOR_S

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._keep_lock()
                self._wait()
            except CONNECTION_LOST as error:
                if self._lock is not None:  # once, not with every attempt to take it again
                    logger.warning("the lifeline broke: %s", first_line(error))
                self._lose_lock()
                self._stopping.wait(_RECONNECT_PAUSE_S)
            else:
                self._look()
        self._look()

    def _keep_lock(self) -> None:
        if self._lock is not None:
            return
        connection = connect(self._conninfo, name="lifeline")
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", [self._owner]).fetchone()
        if row != (True,):
            connection.close()
            raise psycopg.OperationalError("our lock is still with a session that broke")
        self._lock = connection

    def _wait(self) -> None:
        """Sleep until the next look; a connection that breaks meanwhile wakes us at once."""
        assert self._lock is not None
        poller = select.poll()
        poller.register(self._lock.fileno(), select.POLLIN)
        poller.register(self._stop_heard, select.POLLIN)
        heard = {descriptor for descriptor, _ in poller.poll(_LOOK_EVERY_S * 1000)}
        if self._lock.fileno() in heard:
            raise psycopg.OperationalError("the lock's connection broke")

    def _lose_lock(self) -> None:
        if self._lock is not None:
            self._locked_at = time.monotonic()
            self._lock.close()
            self._lock = None

    def _look(self) -> None:
        """Whatever happens here, it does not cost us the lock."""
        try:
            if self._work is None:
                self._work = connect(self._conninfo, name="reaper")
            self._flush_used_keys(self._work)
            self._reaper.look(self._work)
        except Exception as error:
            if is_unavailable(error):
                logger.warning("the reaper cannot look: %s", first_line(error))
            else:
                logger.exception("the reaper stumbled")
            self._close_work()

    def _flush_used_keys(self, connection: psycopg.Connection[Any]) -> None:
        used = self._take_used_keys()
        if used:
            with connection.cursor() as cursor:
                gateway_queries.touch(cursor, used)

    def _close_work(self) -> None:
        if self._work is not None:
            self._work.close()
            self._work = None
