"""Pages of objects: `limit`, `starting_after`, `ending_before`, `created[gte]` and filters."""

from collections.abc import Mapping, Sequence

from stripe_sandbox.api.call import Call
from stripe_sandbox.errors import InvalidRequest
from stripe_sandbox.objects.details import Json, list_of
from stripe_sandbox.store import Condition

_COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def page(
    call: Call,
    kind: str,
    filters: Mapping[str, str] | Sequence[str] = (),
    conditions: Sequence[Condition] = (),
) -> Json:
    """The newest first. `filters` names parameters, or maps them to the fields they filter by."""
    fields = filters if isinstance(filters, Mapping) else {name: name for name in filters}
    values = [(field, call.params.text(name)) for name, field in fields.items()]
    wanted = [
        *conditions,
        *(Condition.equals(field, value) for field, value in values if value is not None),
        *_created(call),
    ]
    after, before = call.params.text("starting_after"), call.params.text("ending_before")
    if after and before:
        raise InvalidRequest(
            "You may only specify one of these parameters: ending_before, starting_after."
        )
    limit = limit_of(call)
    if after:
        wanted.append(_beyond(call, kind, after, "starting_after", "<"))
    if before:
        wanted.append(_beyond(call, kind, before, "ending_before", ">"))
    found = call.backend.store.find(kind, wanted, limit=limit + 1, oldest_first=bool(before))
    data = found[:limit]
    return list_of(call.url, data[::-1] if before else data, has_more=len(found) > limit)


def limit_of(call: Call) -> int:
    limit = call.params.integer("limit")
    if limit is not None and not 1 <= limit <= 100:
        raise InvalidRequest("Invalid limit: must be between 1 and 100", param="limit")
    return limit or 10


def _beyond(call: Call, kind: str, object_id: str, param: str, comparison: str) -> Condition:
    call.backend.get(kind, object_id, param=param)
    return Condition(
        f"position {comparison} (SELECT position FROM objects WHERE id = ?)", (object_id,)
    )


def _created(call: Call) -> list[Condition]:
    if not isinstance(call.params.tree.get("created"), dict):
        exactly = call.params.integer("created")
        return [] if exactly is None else [Condition("created = ?", (exactly,))]
    group = call.params.group("created")
    bounds = [(sign, group.integer(name)) for name, sign in _COMPARISONS.items()]
    return [Condition(f"created {sign} ?", (at,)) for sign, at in bounds if at is not None]
