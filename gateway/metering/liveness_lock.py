"""Prove that this process is alive, and run the reaper for the holds of those that are not.

Each process keeps a session advisory lock on its owner number, on a connection that does nothing
else: the lock is free as soon as PostgreSQL sees the process gone, without a clock or a heartbeat.
The connection must stay idle, because PostgreSQL notices a dead client late while it runs a query.
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

_REAP_EVERY_S = 1.0
_RECONNECT_PAUSE_S = 0.1
# A lost lock must be retaken before a reaper has seen it free for FREE_FOR_S.
_LOCK_MAY_BE_LOST_FOR_S = FREE_FOR_S / 2


class LivenessLock:
    """Runs in a thread of its own.

    `take_used_keys` returns the keys that were used since its last call; their `last_used_at` is
    written here, so that no call waits for it.
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
        self._lost_at = float("-inf")
        self._stopping = threading.Event()
        self._stop_receiver, self._stop_sender = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="liveness-lock", daemon=True)

    def start(self) -> None:
        """Take the lock if PostgreSQL is available, and start the thread."""
        try:
            self._keep_lock()
        except CONNECTION_LOST as error:
            logger.error("no liveness lock yet: %s", first_line(error))
        self._thread.start()

    def stop(self) -> None:
        """End the thread and release the lock."""
        self._stopping.set()
        self._stop_sender.close()
        self._thread.join(10)
        self._stop_receiver.close()
        self._close_work()
        self._lose_lock()

    def protects(self) -> bool:
        """Whether no reaper will void holds that are made now."""
        if self._lock is not None:
            return True
        return time.monotonic() - self._lost_at < _LOCK_MAY_BE_LOST_FOR_S

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._keep_lock()
                self._wait()
            except CONNECTION_LOST as error:
                if self._lock is not None:  # log it once, not with each attempt to retake it
                    logger.warning("the liveness lock was lost: %s", first_line(error))
                self._lose_lock()
                self._stopping.wait(_RECONNECT_PAUSE_S)
            else:
                self._reap()
        self._reap()

    def _keep_lock(self) -> None:
        if self._lock is not None:
            return
        connection = connect(self._conninfo, name="liveness")
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", [self._owner]).fetchone()
        if row != (True,):
            connection.close()
            raise psycopg.OperationalError("a broken session of ours still has the lock")
        self._lock = connection

    def _wait(self) -> None:
        """Sleep until the next reaping; a connection that breaks meanwhile wakes us at once."""
        assert self._lock is not None
        poller = select.poll()
        poller.register(self._lock.fileno(), select.POLLIN)
        poller.register(self._stop_receiver, select.POLLIN)
        ready = {descriptor for descriptor, _ in poller.poll(_REAP_EVERY_S * 1000)}
        if self._lock.fileno() in ready:
            raise psycopg.OperationalError("the lock's connection broke")

    def _lose_lock(self) -> None:
        if self._lock is not None:
            self._lost_at = time.monotonic()
            self._lock.close()
            self._lock = None

    def _reap(self) -> None:
        """Run the reaper; no error here costs us the lock."""
        try:
            if self._work is None:
                self._work = connect(self._conninfo, name="reaper")
            self._flush_used_keys(self._work)
            self._reaper.run(self._work)
        except Exception as error:
            if is_unavailable(error):
                logger.warning("the reaper cannot run: %s", first_line(error))
            else:
                logger.exception("the reaper failed unexpectedly")
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
