"""Simulated outages of Stripe's API."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Annotated, Literal

import msgspec

from stripe_sandbox.errors import RateLimited, ServerFault, StripeError


class Outage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`slow` answers late, `timeout` never; the others answer at once, with an error."""

    kind: Literal["slow", "timeout", "server_error", "rate_limited"]
    requests: Annotated[int, msgspec.Meta(ge=1)] | None = None  # None: until it is cleared
    path: str = "/v1/"  # prefix of the affected paths
    method: Literal["GET", "POST", "DELETE"] | None = None
    applied: bool = False  # the request takes effect although the caller gets a failure
    kept: bool = False  # a server_error is repeated to the same idempotency key, as Stripe does
    delay_s: Annotated[float, msgspec.Meta(ge=0)] = 1  # of `slow`

    def error(self) -> StripeError:
        if self.kind == "rate_limited":
            return RateLimited("Request rate limit exceeded.")
        return ServerFault("An unknown error occurred")


class Outages:
    """The outage in force, if any."""

    def __init__(self) -> None:
        self.current: Outage | None = None
        self.hanging = 0
        self._remaining: int | None = None
        self._ended = asyncio.Event()

    def start(self, outage: Outage) -> None:
        self.current, self._remaining = outage, outage.requests
        self._ended.set()
        self._ended = asyncio.Event()

    def clear(self) -> None:
        """End the outage; hanging requests get an error."""
        self.current = None
        self._ended.set()

    def take(self, method: str, path: str) -> Outage | None:
        """The outage that applies to this request; counts the request against its number."""
        outage = self.current
        if outage is None or not path.startswith(outage.path):
            return None
        if outage.method not in (None, method):
            return None
        if self._remaining is not None:
            self._remaining -= 1
            if self._remaining == 0:
                self.current = None
        return outage

    async def hang(self, has_disconnected: Callable[[], Awaitable[bool]]) -> None:
        """Wait until the caller disconnects or the outage is cleared or replaced."""
        ended = self._ended
        self.hanging += 1
        try:
            while not ended.is_set() and not await has_disconnected():
                with suppress(TimeoutError):
                    await asyncio.wait_for(ended.wait(), 0.05)
        finally:
            self.hanging -= 1
