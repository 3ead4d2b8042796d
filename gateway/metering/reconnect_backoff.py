"""When the ledger is tried again after it became unavailable, and what the log says about it.

A connection and an empty batch that succeed do not prove that a real batch will: it fails where
PostgreSQL's disk is full. So the ledger counts as unproven until a batch has been written, or some
time has passed. Each failure until then doubles the pause before the next attempt, and the log
reports neither the failures nor the recoveries between them.
"""

import logging

from gateway.metering.connections import first_line

logger = logging.getLogger(__name__)

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 1.0
_UNPROVEN_FOR_S = 5.0


class ReconnectBackoff:
    """The outages of one process's ledger; `now` is a monotonic clock's seconds."""

    def __init__(self) -> None:
        self.is_unproven = False
        self._recovered_at: float | None = None  # None while it is unavailable
        self._pause_s = 0.0
        self._logged_cause = ""  # empty where the last log line says that it has recovered

    def lost(self, error: Exception, *, now: float) -> float:
        """Return how many seconds to wait before the next attempt: none the first time."""
        if self._recovered_at is not None and now - self._recovered_at > _UNPROVEN_FOR_S:
            self._reset()
        self._recovered_at = None
        if (cause := first_line(error)) != self._logged_cause:
            logger.error("the ledger is unavailable: %s", cause)
            self._logged_cause = cause
        pause_s = self._pause_s
        self._pause_s = min(max(2 * pause_s, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
        return pause_s

    def recovered(self, *, now: float) -> None:
        """Call this when there is a connection and everything kept has been written."""
        if not self.is_unproven:
            self._log_recovery()
        self.is_unproven = True
        self._recovered_at = now

    def batch_written(self) -> None:
        """Call this for the first batch since it recovered."""
        self._reset()
        if self._logged_cause:
            self._log_recovery()

    def _reset(self) -> None:
        self.is_unproven = False
        self._pause_s = 0.0

    def _log_recovery(self) -> None:
        logger.info("the ledger has recovered")
        self._logged_cause = ""
