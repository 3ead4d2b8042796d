"""Waiting for a state, with a bound that only a failure reaches."""

import time
from collections.abc import Callable
from typing import TypeVar

State = TypeVar("State")


def eventually(look: Callable[[], State], *, within_s: float = 60.0, what: str = "") -> State:
    """Return the first true answer of `look`; fail when there is none in time."""
    give_up_at = time.monotonic() + within_s
    while True:
        state = look()
        if state:
            return state
        if time.monotonic() > give_up_at:
            raise AssertionError(f"{what or 'the state'} did not come within {within_s:g} seconds")
        time.sleep(0.02)
