"""/v1/events and /v1/account."""

from stripe_sandbox.api import lists
from stripe_sandbox.api.call import Call
from stripe_sandbox.errors import ResourceMissing
from stripe_sandbox.objects import account
from stripe_sandbox.objects.details import Json
from stripe_sandbox.store import Condition

_LISTED = Condition.equals("_unlisted", None)
_UNDELIVERED = "id IN (SELECT event_id FROM deliveries WHERE state <> 'delivered')"


def retrieve(call: Call) -> Json:
    event = call.backend.get("event", call.path["event"])
    if event["_unlisted"]:
        raise ResourceMissing(f"No such event: '{event['id']}'", param="id")
    return event


def listing(call: Call) -> Json:
    """`delivery_success=false` finds the events with an unsuccessful delivery."""
    conditions = [_LISTED]
    types = call.params.texts("types")
    if types:
        marks = ",".join("?" * len(types))
        conditions.append(Condition(f"json_extract(body, '$.type') IN ({marks})", tuple(types)))
    wanted = call.params.text("type")
    if wanted:
        conditions.append(Condition("json_extract(body, '$.type') GLOB ?", (wanted,)))
    delivered = call.params.boolean("delivery_success")
    if delivered is not None:
        conditions.append(Condition(f"{'NOT ' if delivered else ''}({_UNDELIVERED})"))
    return lists.page(call, "event", (), conditions)


def retrieve_account(call: Call) -> Json:
    return account.build(call.backend.now())
