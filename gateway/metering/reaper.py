"""Free the holds of processes that died, and of no other.

On this machine a process is dead for certain when its journal's file lock is free. What the
journal says is written first: those calls ended, and their callers were told what they cost.

Of processes elsewhere only PostgreSQL knows, by the advisory lock that each keeps on its owner
number (see lifeline.py). A restart of PostgreSQL frees all of these while the owners live. So an
owner counts as dead only when its lock was free at three looks in a row, over some seconds, and not
soon after a restart; owners take their lock again at once when their connection breaks. Two looks
are not enough: a machine may stand still between them, and an owner with it.
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
_FREE_LOOKS = 3
RESTART_GRACE_S = 10.0
_UPTIME = "SELECT extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())"


class _Free(NamedTuple):
    """Since when, and at how many looks, a lock was free."""

    since: float
    looks: int


class Reaper:
    """One per process; all of them look, and whoever comes first does it."""

    def __init__(self, *, owner: int, journals: Path) -> None:
        self._owner = owner
        self._journals = journals
        self._free: dict[int, _Free] = {}

    def look(self, connection: psycopg.Connection[Any]) -> None:
        """Free what the dead hold; to be called every second or so."""
        with closing(journal.abandoned(self._journals)) as abandoned:
            for left_behind in abandoned:
                try:
                    _wind_up(connection, left_behind)
                except OSError as error:  # one that cannot be worked off keeps no other
                    logger.error("the journal of a dead process stays: %s", error)
        for owner in self._dead_elsewhere(connection):
            if _is_lock_free(connection, owner):
                _void(connection, owner)
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
            if free.looks >= _FREE_LOOKS and now - free.since >= FREE_FOR_S
        ]
        return dead if dead and _uptime_s(connection) >= RESTART_GRACE_S else []

    def _seen_free(self, owner: int, now: float) -> _Free:
        before = self._free.get(owner)
        return _Free(now, 1) if before is None else before._replace(looks=before.looks + 1)


def _wind_up(connection: psycopg.Connection[Any], left_behind: Journal) -> None:
    """Write what a dead process of this machine could not, and free the rest of what it held."""
    closes = left_behind.read().closes
    failed = blocking_apply.replay(connection, closes, owner=left_behind.owner)
    _void(connection, left_behind.owner)
    left_behind.clear(failed=failed)
    logger.warning("a process of this machine is gone; it left %d ends of calls", len(closes))


def _void(connection: psycopg.Connection[Any], owner: int) -> None:
    """Void a dead process's holds; a wallet that cannot take it does not keep others waiting."""
    for wallet_id in gateway_queries.wallets_with_holds_of(connection, owner=owner):
        try:
            with connection.transaction():
                count = gateway_queries.void_holds_of(connection, owner=owner, wallet_id=wallet_id)
        except psycopg.errors.QueryCanceled:
            logger.warning("wallet %d is locked; the holds in it wait for the next look", wallet_id)
        except Exception as error:
            if is_unavailable(error):
                raise
            logger.exception("holds in wallet %d cannot be voided", wallet_id)
        else:
            logger.warning("voided %d holds of a dead process in wallet %d", count, wallet_id)


def _is_lock_free(connection: psycopg.Connection[Any], owner: int) -> bool:
    """Whether nobody has the owner's lock now. A living owner would have taken it again."""
    with connection.transaction():
        row = connection.execute("SELECT pg_try_advisory_xact_lock(%s)", [owner]).fetchone()
    return row == (True,)


def _uptime_s(connection: psycopg.Connection[Any]) -> float:
    row = connection.execute(_UPTIME).fetchone()
    return float(row[0]) if row else 0.0
