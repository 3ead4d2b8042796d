"""The state that every flow uses: objects, clock, events and agenda."""

from dataclasses import dataclass
from typing import Any

from stripe_sandbox.clock import Clock
from stripe_sandbox.errors import ResourceMissing
from stripe_sandbox.objects.details import Json
from stripe_sandbox.settings import Settings
from stripe_sandbox.store import Change, Store
from stripe_sandbox.webhooks.deliveries import Deliveries
from stripe_sandbox.webhooks.outbox import Outbox
from stripe_sandbox.webhooks.script import Endpoint, Script
from stripe_sandbox.webhooks.sender import Sender


@dataclass(frozen=True)
class Backend:
    """Built once per server by `open_backend` and used by one event loop only."""

    settings: Settings
    store: Store
    clock: Clock
    script: Script
    deliveries: Deliveries
    outbox: Outbox
    sender: Sender

    def now(self) -> int:
        return self.clock.now()

    def get(self, kind: str, object_id: str, *, param: str = "id") -> Json:
        found = self.store.get(object_id)
        if found is None or found["object"] != kind:
            raise ResourceMissing(f"No such {kind}: '{object_id}'", param=param)
        return found

    def add(self, obj: Json) -> Json:
        return self.store.add(obj)

    def change(self, obj: Json, **fields: Any) -> Change:
        return self.store.update(obj["id"], **fields)

    def emit(self, event_type: str, obj: Json, previous: Json | None = None) -> None:
        self.outbox.emit(event_type, obj, previous)

    def schedule(self, action: str, obj: Json, *, at: int | None = None) -> None:
        """Add to the agenda; `flows.agenda` lists the actions. Default: in `later_s`."""
        due_at = self.now() + int(self.settings.later_s) if at is None else at
        self.store.execute(
            "INSERT INTO agenda (due_at, action, object_id) VALUES (?, ?, ?)",
            due_at,
            action,
            obj["id"],
        )

    def page_url(self, path: str) -> str:
        return f"{self.settings.public_url}/{path}"


def open_backend(settings: Settings) -> Backend:
    """`settings` must hold the real port and public address."""
    store, clock = Store(settings.state_file), Clock()
    script = Script(Endpoint.from_settings(settings))
    deliveries = Deliveries(store)
    return Backend(
        settings=settings,
        store=store,
        clock=clock,
        script=script,
        deliveries=deliveries,
        outbox=Outbox(settings, store, clock, script, deliveries),
        sender=Sender(store, deliveries, script),
    )
