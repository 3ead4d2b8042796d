"""Events: a change of an object, with the object's state at that time."""

from stripe_sandbox import ids
from stripe_sandbox.objects.details import Json, public


def build(
    *,
    created: int,
    type: str,
    obj: Json,
    previous: Json | None,
    api_version: str,
    request_id: str | None,
    idempotency_key: str | None,
    pending_webhooks: int,
) -> Json:
    data = {"object": public(obj)}
    if previous:
        data["previous_attributes"] = public(previous)
    return {
        "id": ids.new("evt"),
        "object": "event",
        "api_version": api_version,
        "created": created,
        "data": data,
        "livemode": False,
        "pending_webhooks": pending_webhooks,
        "request": {"id": request_id, "idempotency_key": idempotency_key},
        "type": type,
    }
