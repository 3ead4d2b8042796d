"""Dispatch a stored event to Celery without making the webhook wait for the broker.

Publishing blocks for seconds and raises while the broker is down, so a thread of its own publishes.
A lost dispatch costs seconds: beat sweeps the inbox anyway.
"""

import logging
import threading
from functools import cache
from queue import Full, Queue

from billing import tasks

logger = logging.getLogger(__name__)

_MAX_QUEUED = 1_000


def dispatch(event_id: str) -> None:
    """Return at once; when too many events are queued, the sweep processes this one."""
    try:
        _queue().put_nowait(event_id)
    except Full:
        logger.warning("event %s is left to the sweep: the dispatch queue is full", event_id)


@cache
def _queue() -> "Queue[str]":
    """Start this process's thread with the first dispatch, after the server has forked."""
    queue: Queue[str] = Queue(_MAX_QUEUED)
    threading.Thread(target=_publish, args=(queue,), name="webhook-dispatch", daemon=True).start()
    return queue


def _publish(queue: "Queue[str]") -> None:
    while True:
        event_id = queue.get()
        try:
            tasks.process_event.delay(event_id)
        except Exception as error:  # noqa: BLE001 (the thread must survive any broker error)
            logger.warning("event %s is left to the sweep: %s", event_id, error)
