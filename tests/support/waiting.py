"""Waits for a state; the timeout is long, as only a failure reaches it."""

import time
from collections.abc import Callable
from typing import TypeVar

State = TypeVar("State")


def eventually(look: Callable[[], State], *, within_s: float = 60.0, what: str = "") -> State:
    """Return the first true value of `look`; fail if there is none within `within_s`."""
    give_up_at = time.monotonic() + within_s
    while True:
        state = look()
        if state:
            return state
        if time.monotonic() > give_up_at:
            raise AssertionError(f"{what or 'the state'} did not come within {within_s:g} seconds")
        time.sleep(0.02)
