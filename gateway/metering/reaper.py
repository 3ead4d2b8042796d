"""Void the holds of processes that died, and of no other.

On this machine a process is certainly dead when its journal's file lock is free. Its journal is
replayed first: those calls ended, and their callers received the charge.

For processes on other machines there is only PostgreSQL's word: the advisory lock that each keeps
on its owner number (liveness_lock.py). A restart of PostgreSQL frees all of these locks while their
owners live, and so does a failover to a standby, which has none of them and may have been up for
months. Owners retake them as soon as their connection breaks. So an owner counts as dead only when
its lock was free in three runs in a row, over some seconds, and not soon after this reaper has
connected, since restart and failover break its connection, too. Two runs are not enough: a machine
may be suspended between them, with reaper and owner on it.
"""

import logging
import time
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from billing import gateway_queries
from gateway.metering import blocking_apply, journal
from gateway.metering.connections import is_unavailable
from gateway.metering.journal import Journal

logger = logging.getLogger(__name__)

FREE_FOR_S = 2.0
_FREE_RUNS = 3
CONNECTED_FOR_S = 10.0
_CONNECTED_FOR = (
    "SELECT extract(epoch FROM clock_timestamp() - backend_start) FROM pg_stat_activity"
    " WHERE pid = pg_backend_pid()"
)


class _Free(NamedTuple):
    """Since when, and in how many runs, a lock was free."""

    since: float
    runs: int


class Reaper:
    """Every process has one; the first to find a dead process does the work."""

    def __init__(self, *, owner: int, journals: Path) -> None:
        self._owner = owner
        self._journals = journals
        self._free: dict[int, _Free] = {}

    def run(self, connection: psycopg.Connection[Any]) -> None:
        """Void the holds of dead processes; to be called every second or so."""
        with closing(journal.abandoned(self._journals)) as abandoned:
            for found in abandoned:
                try:
                    _wind_up(connection, found)
                except OSError as error:  # one that cannot be processed blocks no other
                    logger.error("the journal of a dead process stays: %s", error)
        for owner in self._dead_elsewhere(connection):
            if _is_lock_free(connection, owner):
                _void_holds(connection, owner)
            self._free.pop(owner, None)

    def _dead_elsewhere(self, connection: psycopg.Connection[Any]) -> list[int]:
        now = time.monotonic()
        alive_here = journal.owners_alive(self._journals) | {self._owner}
        owners = set(gateway_queries.owners_of_open_holds(connection)) - alive_here
        self._free = {
            owner: self._seen_free(owner, now)
            for owner in owners
            if _is_lock_free(connection, owner)
        }
        dead = [
            owner
            for owner, free in self._free.items()
            if free.runs >= _FREE_RUNS and now - free.since >= FREE_FOR_S
        ]
        return dead if dead and _connected_for_s(connection) >= CONNECTED_FOR_S else []

    def _seen_free(self, owner: int, now: float) -> _Free:
        before = self._free.get(owner)
        return _Free(now, 1) if before is None else before._replace(runs=before.runs + 1)


def _wind_up(connection: psycopg.Connection[Any], abandoned: Journal) -> None:
    """Replay the journal of a dead process of this machine, then void its other holds."""
    settles = abandoned.read().settles
    rejected = blocking_apply.replay(connection, settles, owner=abandoned.owner)
    _void_holds(connection, abandoned.owner)
    abandoned.clear(rejected=rejected)
    logger.warning("a process of this machine died; its journal had %d settlements", len(settles))


def _void_holds(connection: psycopg.Connection[Any], owner: int) -> None:
    """Void a dead process's holds; a wallet that is locked or wrong does not block the others."""
    for wallet_id in gateway_queries.wallets_with_holds_of(connection, owner=owner):
        try:
            with connection.transaction():
                count = gateway_queries.void_holds_of(connection, owner=owner, wallet_id=wallet_id)
        except psycopg.errors.QueryCanceled:
            logger.warning("wallet %d is locked; its holds wait for the next run", wallet_id)
        except Exception as error:
            if is_unavailable(error):
                raise
            logger.exception("holds in wallet %d cannot be voided", wallet_id)
        else:
            logger.warning("voided %d holds of a dead process in wallet %d", count, wallet_id)


def _is_lock_free(connection: psycopg.Connection[Any], owner: int) -> bool:
    """Whether no session has the owner's lock now. A living owner would have retaken it."""
    with connection.transaction():
        row = connection.execute("SELECT pg_try_advisory_xact_lock(%s)", [owner]).fetchone()
    return row == (True,)


def _connected_for_s(connection: psycopg.Connection[Any]) -> float:
    row = connection.execute(_CONNECTED_FOR).fetchone()
    return float(row[0]) if row else 0.0
