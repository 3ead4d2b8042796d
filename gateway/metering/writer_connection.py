"""The writer's connection, and a watchman who notices when PostgreSQL answers no more.

A connection that breaks says so. A database that is stopped, or a network that swallows packets,
says nothing: whoever talks then waits for seconds or for ever. So while the writer waits for an
answer, the watchman asks something that costs nothing, on a connection of his own. A database that
is merely busy answers him; if none comes he cuts the writer's connection, and the writer hears of
it at once.

He is also the one who connects anew. A batch that was sent on the connection before may still be on
its way: packets that were lost are sent again, seconds later. It must not arrive after what the new
one writes, or a hold would be made that was released before it was there, and stay for as long as
we live. So PostgreSQL ends the session before, and there is no new one until it is gone.
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
_LOOK_EVERY_S = 0.02
_SUSPICIOUS_AFTER_S = 0.03
# Counted in turns of our own and not by the clock: where PostgreSQL does not get to run because the
# machine is overloaded, we do not either.
_ANSWER_WITHIN_TURNS = 15
_TURN_MS = 10
_RECONNECT_PAUSE_S = 0.1

# The moment belongs to it: pids are given again.
_SESSION = """
SELECT pid, extract(epoch FROM backend_start)::text FROM pg_stat_activity
WHERE pid = pg_backend_pid()
"""
_END_SESSION = """
SELECT pg_terminate_backend(pid, 500 /* ms */) FROM pg_stat_activity
WHERE pid = %s AND extract(epoch FROM backend_start)::text = %s
"""


class WriterConnection:
    """At most one connection at a time. `on_connect` is called, in the watchman's thread, when
    there is a new one."""

    def __init__(self, conninfo: str, *, on_connect: Callable[[], None]) -> None:
        self._conninfo = conninfo
        self._on_connect = on_connect
        self._guard = threading.Lock()  # over the three below
        self._connection: psycopg.Connection[Any] | None = None
        self._socket: socket.socket | None = None  # a second handle of its socket, ours to cut
        self._not_before = 0.0  # by the monotonic clock: a new one is not made earlier
        self._probe: psycopg.Connection[Any] | None = None
        self._session: Sequence[Any] | None = None  # the newest, by pid and moment
        self._asking_since: float | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="money-link", daemon=True)

    @property
    def connection(self) -> psycopg.Connection[Any] | None:
        """What to talk through, or None while PostgreSQL is away."""
        return self._connection

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def stop(self) -> None:
        """Close everything. Nobody may be talking through it."""
        self._stopping.set()
        self._thread.join()
        self.drop()
        self._drop_probe()

    def begin_asking(self) -> None:
        """Be watched from now on: an answer is waited for."""
        self._asking_since = time.monotonic()

    def end_asking(self) -> None:
        """The answer is there, or will never be."""
        self._asking_since = None

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Be watched for the block."""
        self.begin_asking()
        try:
            yield
        finally:
            self.end_asking()

    def cut(self) -> None:
        """Break the connection for whoever talks through it, in whatever thread."""
        with self._guard, suppress(OSError):
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)

    def drop(self, *, pause_s: float = 0.0) -> None:
        """Give a connection up that is of no use; another will come, after the pause."""
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
                pause = self._look()
            except Exception:
                logger.exception("the watchman stumbled")
            self._stopping.wait(pause)

    def _look(self) -> float:
        """Do what there is to do; return how long to wait before the next look."""
        if self._connection is None:
            has_paused = time.monotonic() >= self._not_before
            return self._connect() if has_paused else _LOOK_EVERY_S
        if self._is_suspicious() and not self._answers():
            self._cut()
        return _LOOK_EVERY_S

    def _connect(self) -> float:
        """Try once.

        The watchman's connection comes first: when he needs it, a new one may take seconds.
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
        return _LOOK_EVERY_S

    def _is_session_over(self, probe: psycopg.Connection[Any]) -> bool:
        """Whether nothing that was sent on the connection before can arrive any more."""
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

    def _is_suspicious(self) -> bool:
        since = self._asking_since
        return since is not None and time.monotonic() - since > _SUSPICIOUS_AFTER_S

    def _answers(self) -> bool:
        if self._probe is None:
            return self._can_connect()
        try:
            return _answers_soon(self._probe)
        except CONNECTION_LOST:
            # Perhaps he alone was cut off. He asks again, on a new connection.
            self._drop_probe()
            return True

    def _can_connect(self) -> bool:
        try:
            self._probe = connect(self._conninfo, name="probe")
        except CONNECTION_LOST:
            return False
        return True

    def _cut(self) -> None:
        logger.error("PostgreSQL does not answer: cutting the writer's connection")
        self._asking_since = None
        self._drop_probe()
        self.cut()

    def _drop_probe(self) -> None:
        if self._probe is not None:
            self._probe.close()
            self._probe = None


def _answers_soon(probe: psycopg.Connection[Any]) -> bool:
    """Ask the empty question and wait a moment for the answer."""
    pgconn = probe.pgconn
    pgconn.send_query(b"")
    poller = select.poll()
    poller.register(pgconn.socket, select.POLLIN)
    for _ in range(_ANSWER_WITHIN_TURNS):
        if poller.poll(_TURN_MS):
            pgconn.consume_input()
            while not pgconn.is_busy():
                if pgconn.get_result() is None:
                    return True
    return False
