"""Answers a flood of refused requests slowly, so that it takes no time from other callers.

A refusal costs little, but a client that ignores it calls again at once. So a network that is
refused more often than so many times a second waits for further refusals, each for its turn. While
a client waits it sends nothing on that connection.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable

from gateway.errors import GatewayError, InvalidApiKey, RateLimited

_EVERY_S = 0.02
# So many at once are answered without a wait.
_AT_ONCE = 50
_LONGEST_WAIT_S = 2.0
_MOST_NETWORKS = 10_000


class RefusalPace:
    """When a network's next refusal is due: they are a fiftieth of a second apart, but for the
    first fifty."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due: OrderedDict[str, float] = OrderedDict()  # of the next one if it kept the pace

    async def wait(self, error: GatewayError, network: Callable[[], str]) -> None:
        """Wait for as long as the answer to a refused request should, at most two seconds.

        Only refusals that a client can provoke without end: no key of ours, or too many requests.
        """
        if isinstance(error, (InvalidApiKey, RateLimited)):
            wait_s = self.next_wait_s(network())
            if wait_s > 0:
                await asyncio.sleep(wait_s)

    def next_wait_s(self, network: str) -> float:
        """Count a refusal, and return how long its answer waits."""
        now = self._clock()
        due = max(self._due.pop(network, now), now)
        wait_s = due - now - _AT_ONCE * _EVERY_S
        self._due[network] = min(due + _EVERY_S, now + _AT_ONCE * _EVERY_S + _LONGEST_WAIT_S)
        if len(self._due) > _MOST_NETWORKS:
            self._due.popitem(last=False)
        return min(max(wait_s, 0.0), _LONGEST_WAIT_S)
