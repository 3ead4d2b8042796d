"""PostgreSQL, which can be killed, restarted or paused, whole or in part; its outages."""

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable, Iterator

import psycopg

from benchmarks.chaos.cause import Cause
from tests.support.own_postgres import OwnPostgres


class Postgres:
    """The server of a run. Each method that injects a fault adds it to `causes`."""

    def __init__(self, server: OwnPostgres, causes: list[Cause]) -> None:
        self._server = server
        self._causes = causes
        self._down_since: float | None = None

    def ensure_running(self) -> None:
        """Restart it if it was killed."""
        if self._down_since is not None:
            self._server.start()
            self._causes.append(Cause("PostgreSQL", self._down_since, time.monotonic()))
            self._down_since = None

    def kill(self) -> None:
        """Kill the postmaster and wait up to 3 s: running calls must survive that outage."""
        self._down_since = time.monotonic()
        self._server.kill()
        time.sleep(random.uniform(0, 3))

    def restart(self) -> None:
        """Restart it as an upgrade does, with a fast shutdown."""
        with self.stopped():
            pass

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Shut it down for the block."""
        self._down_since = time.monotonic()
        self._server.stop()
        yield
        self.ensure_running()

    def kill_backend(self) -> None:
        """Kill the backend of one session; PostgreSQL then ends all sessions and recovers."""
        with self._trouble("PostgreSQL"):
            self._signal_backend(lambda pid: os.kill(pid, signal.SIGKILL))
            time.sleep(0.2)  # until the postmaster has noticed, it answers
            self._server.await_answer()

    def pause_backend(self, seconds: float) -> None:
        """Stop the backend of one session for a while."""

        def pause(pid: int) -> None:
            os.kill(pid, signal.SIGSTOP)
            try:
                time.sleep(seconds)
            finally:
                os.kill(pid, signal.SIGCONT)

        with self._trouble("paused backend"):
            self._signal_backend(pause)

    def pause_postmaster(self, seconds: float) -> None:
        """Stop the postmaster alone: sessions go on, and nobody can connect."""
        with self._trouble("paused postmaster"):
            self._server.postmaster.send_signal(signal.SIGSTOP)
            time.sleep(seconds)
            self._server.postmaster.send_signal(signal.SIGCONT)

    def pause(self, seconds: float) -> None:
        """Stop all its processes for a while: connections stay open and get no answer."""
        with self._trouble("paused PostgreSQL"):
            self._server.freeze()
            time.sleep(seconds)
            self._server.thaw()

    @contextlib.contextmanager
    def _trouble(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self._causes.append(Cause(name, began, time.monotonic()))

    def _signal_backend(self, signal_it: Callable[[int], None]) -> None:
        with (
            contextlib.suppress(psycopg.OperationalError),
            psycopg.connect(self._server.url) as connection,
        ):
            row = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
                " AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1"
            ).fetchone()
            connection.rollback()
            if row is not None:
                signal_it(row[0])
