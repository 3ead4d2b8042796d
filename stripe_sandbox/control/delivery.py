"""Commands for webhooks and the clock."""

from dataclasses import asdict

import msgspec

from stripe_sandbox.backend import Backend
from stripe_sandbox.control import commands
from stripe_sandbox.flows import agenda
from stripe_sandbox.objects.details import Json
from stripe_sandbox.webhooks.script import DeliveryFaults, Endpoint


def set_endpoint(backend: Backend, _: str, endpoint: Endpoint) -> Json:
    backend.script.endpoint = endpoint
    return _plain(endpoint)


def set_faults(backend: Backend, _: str, faults: DeliveryFaults) -> Json:
    """Deliveries already planned keep their plan."""
    backend.script.set_faults(faults)
    return _plain(faults)


def release(backend: Backend, _: str, command: commands.Release) -> Json:
    released = backend.deliveries.release(shuffle_seed=command.shuffle_seed, order=command.order)
    return {"released": released}


def redeliver(backend: Backend, path: str, command: commands.Redeliver) -> Json:
    """Also for a dropped event, or one that the endpoint does not subscribe to."""
    event = backend.get("event", path)
    backend.deliveries.redeliver(event["id"], event["type"], command.copies)
    return {"copies": command.copies}


def set_clock(backend: Backend, _: str, command: commands.SetClock) -> Json:
    """Also run the agenda items that are due at the new time."""
    backend.clock.offset_s = command.offset_s
    return {"now": backend.now(), "done": agenda.run(backend)}


def listing(backend: Backend, event_id: str | None, state: str | None) -> Json:
    found = backend.deliveries.listing(event_id=event_id, state=state)
    return {"data": [asdict(one) for one in found]}


def status(backend: Backend) -> Json:
    """Counts by state; `in_flight` ones are being posted and still count as pending."""
    return {
        "deliveries": {**backend.deliveries.counts(), "in_flight": backend.sender.in_flight},
        "endpoint": _plain(backend.script.endpoint),
        "faults": _plain(backend.script.faults),
        "now": backend.now(),
    }


def _plain(settings: Endpoint | DeliveryFaults) -> Json:
    plain: Json = msgspec.to_builtins(settings)
    return plain
