"""Finds faults that a restart of this process cures.

A part that does not work while PostgreSQL is unavailable recovers with PostgreSQL, and a restart
would only end running calls. So a part counts as faulty only after many samples, a minute's by
default, in each of which it did not work while PostgreSQL did all it needs on a new connection.
"""

import logging
import threading
from collections.abc import Callable, Mapping

import psycopg
from django import db

from gateway.metering import blocking_apply
from gateway.metering.connections import connect

logger = logging.getLogger(__name__)

SAMPLE_EVERY_S = 1.0

# A writer that waits for a locked wallet would wait after a restart, too.
_IS_WRITER_LOCKED_OUT = """
SELECT EXISTS (
    SELECT FROM pg_stat_activity WHERE application_name = 'caicaini-writer'
    AND datname = current_database() AND wait_event_type = 'Lock'
)
"""


class Liveness:
    """Samples the parts in a thread of its own, every second.

    `parts` are functions that return whether a part works. The portal's connections are a part of
    every process and need not be given. `samples` make a fault: samples and not seconds, since a
    process that was suspended has not been faulty meanwhile.
    """

    def __init__(
        self,
        parts: Mapping[str, Callable[[], bool]],
        *,
        conninfo: str,
        owner: int,
        samples: int,
        sample_every_s: float = SAMPLE_EVERY_S,
    ) -> None:
        self._parts = {**parts, "database": _portal_reads}
        self._conninfo = conninfo
        self._owner = owner
        self._samples = samples
        self._sample_every_s = sample_every_s
        self._faulty_samples = dict.fromkeys(self._parts, 0)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="liveness", daemon=True)

    @property
    def faults(self) -> list[str]:
        """The parts that have not worked for that many samples while PostgreSQL has."""
        return [part for part, count in self._faulty_samples.items() if count >= self._samples]

    def start(self) -> None:
        """Start to sample."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, without waiting for a sample under way."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.wait(self._sample_every_s):
            try:
                self._sample()
            except Exception:
                logger.exception("a sample of the process's health failed")

    def _sample(self) -> None:
        broken = {part for part, works in self._parts.items() if not works()}
        if broken and not self._is_postgresql_usable():
            broken = set()
        for part in self._parts:
            self._faulty_samples[part] = self._faulty_samples[part] + 1 if part in broken else 0

    def _is_postgresql_usable(self) -> bool:
        """Ask it on a new connection, also for what our migrations make."""
        try:
            with connect(self._conninfo, name="health") as connection:
                blocking_apply.try_out(connection, owner=self._owner)
                return connection.execute(_IS_WRITER_LOCKED_OUT).fetchone() == (False,)
        except psycopg.Error:
            return False


def _portal_reads() -> bool:
    """Whether a request of the portal would get a connection."""
    try:
        db.connection.ensure_connection()
    except db.Error:
        return False
    finally:
        db.connection.close()
    return True
