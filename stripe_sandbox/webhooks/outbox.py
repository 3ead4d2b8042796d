"""Writes an event and its planned deliveries in the caller's transaction."""

from contextvars import ContextVar
from typing import NamedTuple

from stripe_sandbox.clock import Clock
from stripe_sandbox.objects import event
from stripe_sandbox.objects.details import Json
from stripe_sandbox.settings import Settings
from stripe_sandbox.store import Store
from stripe_sandbox.webhooks.deliveries import Deliveries
from stripe_sandbox.webhooks.script import Script


class Cause(NamedTuple):
    """The API request behind an event; empty if a payer or the clock caused it."""

    request_id: str | None = None
    idempotency_key: str | None = None


cause: ContextVar[Cause] = ContextVar("cause")


class Outbox:
    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock: Clock,
        script: Script,
        deliveries: Deliveries,
    ) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._script = script
        self._deliveries = deliveries

    def emit(self, type: str, obj: Json, previous: Json | None = None) -> Json:
        plan, by = self._script.plan(type), cause.get(Cause())
        made = event.build(
            created=self._clock.now(),
            type=type,
            obj=obj,
            previous=previous,
            api_version=self._settings.api_version,
            request_id=by.request_id,
            idempotency_key=by.idempotency_key,
            pending_webhooks=len(plan.delays_s),
        )
        self._store.add({**made, "_unlisted": None if plan.listed else True})
        self._deliveries.plan(made["id"], type, plan)
        return made
