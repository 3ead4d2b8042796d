"""What the page of one call shows, put together from its record."""

from datetime import datetime
from typing import Any

from catalogue.models import ModelPrice
from keys.models import ApiKey
from usage import elsewhere, lookup, request_log, routes, sessions
from usage.elsewhere import PricedOffer
from usage.reading import UsageRow, usage
from usage.receipts import receipt_of
from usage.records import Record
from usage.waterfall import waterfall


def context_of(*, workspace_id: int, request_id: str) -> dict[str, Any] | None:
    """Return the template's variables; None if the workspace has no such call."""
    found = lookup.find(workspace_id=workspace_id, request_id=request_id)
    if found is None:
        return None
    record = found.record
    alternatives = elsewhere.alternatives(record, offers_at(record.accepted_at))
    dearest = elsewhere.dearest_of(alternatives)
    newer, older = request_log.neighbours(record)
    return {
        "receipt": receipt_of(found),
        "call": record,
        "key": _key_of(record),
        "session": _session_of(record),
        "route": routes.parse(record.route),
        "alternatives": [(one, _percent(one.credits, dearest)) for one in alternatives],
        "waterfall": waterfall(record),
        "newer": newer,
        "older": older,
    }


def offers_at(moment: datetime) -> list[PricedOffer]:
    """Return the models that were offered at this moment and still are, with their prices then."""
    return [
        PricedOffer(
            row.model.public_id,
            row.model.context_tokens,
            row.model.max_output_tokens,
            frozenset(row.model.capabilities),
            row.price,
        )
        for row in ModelPrice.objects.in_force(at=moment)
    ]


def _key_of(record: Record) -> ApiKey | None:
    """Return the key; None for the console's calls, and for a key that is deleted."""
    if record.key_id is None:
        return None
    return ApiKey.objects.filter(workspace_id=record.workspace_id, pk=record.key_id).first()


def _session_of(record: Record) -> UsageRow | None:
    """Return the sums of all calls of the session; None for a call without one."""
    question = sessions.question_of(record)
    return next(iter(usage(question)), None) if question else None


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 2)
