"""Checks in threads of their own, for whose results a request waits for a third of a second.

A check may take seconds: libpq has no shorter timeout, and a server that was suspended never
answers. However often it is asked for, it runs once at a time.
"""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait

# Counted in turns of ours, not by the clock: while this process is not scheduled, the check's
# thread is not either.
_TURN_S = 0.02
_TURNS = 15
# A check that takes longer is left to itself, and another one is started.
_ABANDONED_AFTER_S = 10.0


class BoundedCheck:
    """A function that returns what is wrong, or "", with its run under way."""

    def __init__(self, check: Callable[[], str]) -> None:
        self._check = check
        self._guard = threading.Lock()
        self._run: Future[str] = Future()
        self._began_at = float("-inf")

    def begin(self) -> "Future[str]":
        """Start a run, or join the one under way."""
        with self._guard:
            is_old = time.monotonic() - self._began_at > _ABANDONED_AFTER_S
            if is_old or self._run.done():
                self._run, self._began_at = Future(), time.monotonic()
                threading.Thread(
                    target=self._complete, args=[self._run], name="check", daemon=True
                ).start()
            return self._run

    def _complete(self, run: "Future[str]") -> None:
        try:
            run.set_result(self._check())
        except BaseException as error:
            run.set_exception(error)
            raise


def results(checks: Mapping[str, BoundedCheck], *, otherwise: str) -> dict[str, str]:
    """Run the checks side by side; one that takes too long or fails has the result `otherwise`."""
    runs = {name: check.begin() for name, check in checks.items()}
    for _ in range(_TURNS):
        if not wait(runs.values(), timeout=_TURN_S).not_done:
            break
    return {name: _result(run, otherwise) for name, run in runs.items()}


def _result(run: "Future[str]", otherwise: str) -> str:
    if not run.done() or run.exception() is not None:
        return otherwise
    return run.result()
