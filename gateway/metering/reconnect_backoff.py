"""How the ledger comes and goes: what the log is told of it, and when to try again.

That there is a connection again, and that a batch of nothing is taken, does not say that a real one
will be: not where PostgreSQL's disk is full. So from then until a batch has been written, or time
has passed, the ledger counts as doubted. Lost again meanwhile, it is tried again later and later,
and the log hears no more of its coming and going.
"""

import logging

from gateway.metering.connections import first_line

logger = logging.getLogger(__name__)

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 1.0
_DOUBTED_FOR_S = 5.0


class ReconnectBackoff:
    """The losses of one process's ledger; `now` is a clock's seconds that never go back."""

    def __init__(self) -> None:
        self.is_doubted = False
        self._came_at: float | None = None  # None while it is away
        self._pause_s = 0.0
        self._told = ""  # why it is away; empty where the log says that it is there

    def lost(self, error: Exception, *, now: float) -> float:
        """Return how many seconds to wait before it is tried again: none for the first time."""
        if self._came_at is not None and now - self._came_at > _DOUBTED_FOR_S:
            self._trust()
        self._came_at = None
        if (why := first_line(error)) != self._told:
            logger.error("the ledger is away: %s", why)
            self._told = why
        pause_s = self._pause_s
        self._pause_s = min(max(2 * pause_s, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
        return pause_s

    def came_back(self, *, now: float) -> None:
        """There is a connection, and what was kept meanwhile is written."""
        if not self.is_doubted:
            self._tell_that_it_is_there()
        self.is_doubted = True
        self._came_at = now

    def took_a_batch(self) -> None:
        """To be told of the first one since it came back."""
        self._trust()
        if self._told:
            self._tell_that_it_is_there()

    def _trust(self) -> None:
        self.is_doubted = False
        self._pause_s = 0.0

    def _tell_that_it_is_there(self) -> None:
        logger.info("the ledger is there")
        self._told = ""
