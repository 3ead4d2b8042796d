"""The webhook endpoint, and the delivery faults that a test sets."""

import random
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Literal, NamedTuple

import msgspec

from stripe_sandbox.settings import Settings

Seconds = Annotated[float, msgspec.Meta(ge=0)]
State = Literal["pending", "held", "dropped"]


class Endpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The receiving address. An empty `url` receives nothing."""

    url: str = ""
    secrets: tuple[str, ...] = ("whsec_sandbox",)
    events: tuple[str, ...] = ("*",)
    timeout_s: Seconds = 10
    retry_first_s: Seconds = 1
    retry_attempts: Annotated[int, msgspec.Meta(ge=1)] = 8

    @classmethod
    def from_settings(cls, settings: Settings) -> "Endpoint":
        return cls(
            url=settings.webhook_url,
            secrets=settings.webhook_secrets,
            events=settings.webhook_events,
            timeout_s=settings.delivery_timeout_s,
            retry_first_s=settings.retry_first_s,
            retry_attempts=settings.retry_attempts,
        )

    def subscribes_to(self, event_type: str) -> bool:
        return bool(self.url) and _matches(event_type, self.events)

    def retry_delay_s(self, attempts: int) -> float | None:
        """The delay after this many failures; None: give up."""
        if attempts >= self.retry_attempts:
            return None
        return float(min(self.retry_first_s * 2 ** (attempts - 1), 60))


class DeliveryFaults(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Faults of deliveries. The same seed and the same events give the same faults."""

    only: tuple[str, ...] = ("*",)  # event types that the faults below apply to
    seed: int = 0
    copies_min: Annotated[int, msgspec.Meta(ge=1)] = 1
    copies_max: Annotated[int, msgspec.Meta(ge=1)] = 1
    delay_s: Seconds = 0
    shuffle_within_s: Seconds = 0  # each copy is delayed by up to this, so that they overtake
    drop_probability: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0
    drop_types: tuple[str, ...] = ()
    unlisted: bool = False  # a dropped event is missing from /v1/events too
    hold: bool = False  # deliveries wait for a release
    concurrency: Annotated[int, msgspec.Meta(ge=1)] = 8  # 1: one after the other


class Plan(NamedTuple):
    """The deliveries of one event: a delay in seconds for each copy."""

    state: State
    delays_s: list[float]
    listed: bool = True


class Script:
    """The endpoint and the faults in force."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.faults = DeliveryFaults()
        self._random = random.Random(0)

    def set_faults(self, faults: DeliveryFaults) -> None:
        """Restart the random sequence at the seed."""
        self.faults = faults
        self._random = random.Random(faults.seed)

    def plan(self, event_type: str) -> Plan:
        if not self.endpoint.subscribes_to(event_type):
            return Plan("pending", [])
        faults = self.faults
        if not _matches(event_type, faults.only):
            return Plan("pending", [0.0])
        dropped = self._random.random() < faults.drop_probability
        if dropped or _matches(event_type, faults.drop_types):
            return Plan("dropped", [0.0], listed=not faults.unlisted)
        copies = self._random.randint(faults.copies_min, max(faults.copies_min, faults.copies_max))
        delays_s = [
            faults.delay_s + self._random.uniform(0, faults.shuffle_within_s) for _ in range(copies)
        ]
        return Plan("held" if faults.hold else "pending", delays_s)


def _matches(event_type: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(event_type, pattern) for pattern in patterns)
