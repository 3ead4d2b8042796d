"""Tell Celery of an event at once, without making anybody wait for the broker.

Publishing with the broker down blocks for seconds and raises, so a thread of its own does it. A
hint that is lost costs seconds: beat sweeps the inbox anyway.
"""

import logging
import threading
from functools import cache
from queue import Full, Queue

from billing import tasks

logger = logging.getLogger(__name__)

_MOST_WAITING = 1_000


def event_is_waiting(event_id: str) -> None:
    """Return at once; too many hints at a time are left to the sweep."""
    try:
        _waiting().put_nowait(event_id)
    except Full:
        logger.warning("no hint for event %s, the sweep will find it: too many wait", event_id)


@cache
def _waiting() -> "Queue[str]":
    """Start this process's thread with the first hint, after the server has forked."""
    waiting: Queue[str] = Queue(_MOST_WAITING)
    threading.Thread(target=_publish, args=(waiting,), name="stripe-hints", daemon=True).start()
    return waiting


def _publish(waiting: "Queue[str]") -> None:
    while True:
        event_id = waiting.get()
        try:
            tasks.work_off_event.delay(event_id)
        except Exception as error:  # noqa: BLE001 (whatever ails the broker, the thread lives on)
            logger.warning("no hint for event %s, the sweep will find it: %s", event_id, error)
