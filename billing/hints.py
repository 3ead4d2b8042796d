"""Tell Celery that the inbox has work, without making anybody wait for the broker.

Publishing with the broker down blocks for seconds and raises, so a thread of its own does it. A
hint that is lost costs seconds: beat sweeps the inbox anyway. Many hints at once are one.
"""

import logging
import threading
from functools import cache

from billing import tasks

logger = logging.getLogger(__name__)


def work_is_waiting() -> None:
    """Return at once."""
    _bell().set()


@cache
def _bell() -> threading.Event:
    """Start this process's thread with the first hint, after the server has forked."""
    bell = threading.Event()
    threading.Thread(target=_publish, args=(bell,), name="stripe-hints", daemon=True).start()
    return bell


def _publish(bell: threading.Event) -> None:
    while True:
        bell.wait()
        bell.clear()
        try:
            tasks.sweep_inbox.delay()
        except Exception as error:  # noqa: BLE001 (whatever ails the broker, the thread lives on)
            logger.warning("no hint for the inbox, its sweep will find the work: %s", error)
