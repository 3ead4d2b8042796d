"""The writer's connection, and a watchdog that notices when PostgreSQL stops responding.

A broken connection reports an error. A stopped database or a network that drops packets reports
nothing, and the writer would wait for seconds or without end. So while the writer waits for an
answer, the watchdog sends an empty query on a connection of its own, the probe. A database that is
merely busy responds to the probe; if it does not, the watchdog cuts the writer's connection, and
the writer gets an error at once. Where only the batch's own session hangs, `PqChannel` gives up on
it after some seconds.

The watchdog also reconnects. A batch that was sent on the old connection may still arrive, because
lost packets are sent again seconds later. If it arrived after the new connection's batches, it
would make a hold after its void, and the hold would stay as long as this process lives. So
PostgreSQL first ends the old session, and there is no new connection until that session is gone.
"""

import logging
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psycopg

from gateway.metering.connections import CONNECTION_LOST, connect

logger = logging.getLogger(__name__)

# Together they make a fifth of a second, within which a new call is refused.
_CHECK_EVERY_S = 0.02
_PROBE_AFTER_S = 0.03
# The probe's timeout counts our own turns, not the clock: on an overloaded machine that does not
# schedule PostgreSQL, this thread is not scheduled either.
_PROBE_TURNS = 15
_TURN_MS = 10
_RECONNECT_PAUSE_S = 0.1

# A session is identified with its start, since pids are reused.
_SESSION = """
SELECT pid, extract(epoch FROM backend_start)::text FROM pg_stat_activity
WHERE pid = pg_backend_pid()
"""
_END_SESSION = """
SELECT pg_terminate_backend(pid, 500 /* ms */) FROM pg_stat_activity
WHERE pid = %s AND extract(epoch FROM backend_start)::text = %s
"""


class WriterConnection:
    """At most one connection at a time. `on_connect` is called, in the watchdog's thread, when
    there is a new one."""

    def __init__(self, conninfo: str, *, on_connect: Callable[[], None]) -> None:
        self._conninfo = conninfo
        self._on_connect = on_connect
        self._guard = threading.Lock()  # over the three below
        self._connection: psycopg.Connection[Any] | None = None
        self._socket: socket.socket | None = None  # a second handle of its socket, ours to cut
        self._not_before = 0.0  # by the monotonic clock: the earliest moment to reconnect
        self._probe: psycopg.Connection[Any] | None = None
        self._session: Sequence[Any] | None = None  # the newest one's pid and start
        self._waiting_since: float | None = None
        self._is_check_wanted = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="ledger-watchdog", daemon=True)

    @property
    def current(self) -> psycopg.Connection[Any] | None:
        """The connection, or None while PostgreSQL is unavailable."""
        return self._connection

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def stop(self) -> None:
        """Close everything. No thread may be using the connection."""
        self._stopping.set()
        self._thread.join()
        self.drop()
        self._drop_probe()

    def begin_wait(self) -> None:
        """Have the watchdog check from now on: the writer waits for an answer."""
        self._waiting_since = time.monotonic()

    def end_wait(self) -> None:
        """The answer has arrived, or never will."""
        self._waiting_since = None

    def check_soon(self) -> None:
        """Have the watchdog check once: another part waits for PostgreSQL, on a connection of its
        own."""
        self._is_check_wanted = True

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Have the watchdog check during the block."""
        self.begin_wait()
        try:
            yield
        finally:
            self.end_wait()

    def cut(self) -> None:
        """Break the connection for the thread that uses it, from any thread."""
        with self._guard, suppress(OSError):
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)

    def drop(self, *, pause_s: float = 0.0) -> None:
        """Close a connection that is of no use; reconnect after the pause."""
        with self._guard:
            self._not_before = time.monotonic() + pause_s
            connection, handle = self._connection, self._socket
            self._connection = self._socket = None
        if handle is not None:
            handle.close()
        if connection is not None:
            connection.close()

    def _watch(self) -> None:
        while not self._stopping.is_set():
            pause = _RECONNECT_PAUSE_S
            try:
                pause = self._check()
            except Exception:
                logger.exception("the watchdog failed unexpectedly")
            self._stopping.wait(pause)

    def _check(self) -> float:
        """Reconnect or probe if needed; return how long to wait before the next check."""
        if self._connection is None:
            has_paused = time.monotonic() >= self._not_before
            return self._connect() if has_paused else _CHECK_EVERY_S
        if self._is_probe_due() and not self._responds():
            self._cut()
        return _CHECK_EVERY_S

    def _connect(self) -> float:
        """Try once.

        The probe connects first: when it is needed, connecting may take seconds.
        """
        try:
            self._drop_probe()
            self._probe = connect(self._conninfo, name="probe")
            if not self._is_session_over(self._probe):
                return _RECONNECT_PAUSE_S
            connection = self._begin_session()
        except CONNECTION_LOST:
            return _RECONNECT_PAUSE_S
        with self._guard:
            self._socket = socket.socket(fileno=os.dup(connection.fileno()))
            self._connection = connection
        self._on_connect()
        return _CHECK_EVERY_S

    def _is_session_over(self, probe: psycopg.Connection[Any]) -> bool:
        """Whether nothing that was sent on the old connection can arrive any more."""
        if self._session is None:
            return True
        ended = probe.execute(_END_SESSION, self._session).fetchone()
        return ended is None or ended == (True,)

    def _begin_session(self) -> psycopg.Connection[Any]:
        connection = connect(self._conninfo, name="writer")
        try:
            self._session = connection.execute(_SESSION).fetchone()
        except BaseException:
            connection.close()
            raise
        return connection

    def _is_probe_due(self) -> bool:
        since, is_wanted = self._waiting_since, self._is_check_wanted
        self._is_check_wanted = False
        return is_wanted or (since is not None and time.monotonic() - since > _PROBE_AFTER_S)

    def _responds(self) -> bool:
        is_reused = self._probe is not None
        try:
            if self._probe is None:
                self._probe = connect(self._conninfo, name="probe")
            return _responds_soon(self._probe)
        except CONNECTION_LOST:
            # Perhaps only the old probe was cut off: the next check connects a new one.
            self._drop_probe()
            return is_reused

    def _cut(self) -> None:
        logger.error("PostgreSQL does not respond: cutting the writer's connection")
        self._waiting_since = None
        self._drop_probe()
        self.cut()

    def _drop_probe(self) -> None:
        if self._probe is not None:
            self._probe.close()
            self._probe = None


def _responds_soon(probe: psycopg.Connection[Any]) -> bool:
    """Send an empty query and wait 150 ms at most for its answer."""
    pgconn = probe.pgconn
    pgconn.send_query(b"")
    poller = select.poll()
    poller.register(pgconn.socket, select.POLLIN)
    for _ in range(_PROBE_TURNS):
        if poller.poll(_TURN_MS):
            pgconn.consume_input()
            while not pgconn.is_busy():
                if pgconn.get_result() is None:
                    return True
    return False
