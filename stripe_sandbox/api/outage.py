"""API outages on command: what a client sees on Stripe's bad days."""

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
    path: str = "/v1/"  # only addresses that begin so
    method: Literal["GET", "POST", "DELETE"] | None = None
    applied: bool = False  # the request takes effect although the caller sees it fail
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
        self._left: int | None = None
        self._over = asyncio.Event()

    def start(self, outage: Outage) -> None:
        self.current, self._left = outage, outage.requests
        self._over.set()
        self._over = asyncio.Event()

    def clear(self) -> None:
        """Requests that hang are let go, each with an error."""
        self.current = None
        self._over.set()

    def take(self, method: str, path: str) -> Outage | None:
        """The outage that hits this request; uses up one of its number."""
        outage = self.current
        if outage is None or not path.startswith(outage.path):
            return None
        if outage.method not in (None, method):
            return None
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                self.current = None
        return outage

    async def hang(self, has_left: Callable[[], Awaitable[bool]]) -> None:
        """Until the caller hangs up or the outage is cleared or replaced."""
        over = self._over
        self.hanging += 1
        try:
            while not over.is_set() and not await has_left():
                with suppress(TimeoutError):
                    await asyncio.wait_for(over.wait(), 0.05)
        finally:
            self.hanging -= 1
