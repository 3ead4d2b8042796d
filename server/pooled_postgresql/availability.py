"""Whether PostgreSQL answers, asked in threads of our own: no request waits for a timeout of libpq.

libpq waits for two seconds at least, and for an answer without end.
"""

import logging
import select
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg

logger = logging.getLogger(__name__)

# Counted in turns of ours, not by the clock: on an overloaded machine that does not schedule
# PostgreSQL, this process is not scheduled either.
_TURN_S = 0.01
_TURNS = 20
_ASK_AGAIN_AFTER_S = 0.2


class Availability:
    """Asks PostgreSQL for a new connection when there is doubt, and during an outage until it
    answers.

    `connect` makes a connection and closes it; it raises psycopg's errors.
    """

    def __init__(self, connect: Callable[[], None]) -> None:
        self._connect = connect
        self._guard = threading.Lock()
        self._first_answer: threading.Event | None = None  # None while nobody asks
        self.is_outage = False

    def answers(self) -> bool:
        """Ask; whether it answers within a fifth of a second."""
        first_answer = self._begin()
        for _ in range(_TURNS):
            if first_answer.wait(_TURN_S):
                return not self.is_outage
        return False

    def _begin(self) -> threading.Event:
        """Start to ask, or join the question under way."""
        with self._guard:
            if self._first_answer is None:
                self._first_answer = threading.Event()
                threading.Thread(
                    target=self._ask, args=[self._first_answer], name="availability", daemon=True
                ).start()
            return self._first_answer

    def _ask(self, first_answer: threading.Event) -> None:
        while not self._asked():
            first_answer.set()
            time.sleep(_ASK_AGAIN_AFTER_S)
        with self._guard:
            self._first_answer = None
        first_answer.set()

    def _asked(self) -> bool:
        """Ask once, and note the answer."""
        was_outage = self.is_outage
        try:
            self._connect()
        except Exception as error:  # noqa: BLE001 (asked again, whatever it was)
            self.is_outage = True
            if not was_outage:
                logger.error("PostgreSQL is unavailable: %s", str(error).partition("\n")[0])
            return False
        self.is_outage = False
        if was_outage:
            logger.warning("PostgreSQL is available again")
        return True


def responds(connection: "psycopg.Connection[Any]") -> bool:
    """Send an empty query, and wait a fifth of a second at most for its answer.

    Otherwise the connection must be closed.
    """
    pgconn = connection.pgconn
    try:
        pgconn.send_query(b"")
        poller = select.poll()
        poller.register(pgconn.socket, select.POLLIN)
        for _ in range(_TURNS):
            if poller.poll(_TURN_S * 1000):
                pgconn.consume_input()
                while not pgconn.is_busy():
                    if pgconn.get_result() is None:
                        return True
    except psycopg.Error:
        return False
    return False
