"""Request records with usual values, written as the gateway writes them."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from django.db import transaction
from django.utils import timezone

from accounts.models import Workspace
from billing.models import Source
from catalogue.models import Model, ModelPrice
from usage.models import DirtyHour, Ending, RequestRecord
from usage.records import Record


def record_of(**fields: Any) -> Record:
    """Return a completed call of 14 and 23 tokens, with these fields."""
    usual: dict[str, Any] = {
        "key_id": None,
        "source": Source.API,
        "requested_model": "caicaini/auto",
        "resolved_model": "caicaini/swift",
        "upstream_id": None,
        "route": "",
        "is_stream": False,
        "status": 200,
        "error_type": "",
        "ending": Ending.COMPLETED,
        "stop_reason": "end_turn",
        "input_tokens": 14,
        "output_tokens": 23,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "is_usage_estimated": False,
        "credits": 0,
        "lost_credits": 0,
        "first_byte_ms": 50,
        "duration_ms": 200,
    }
    return Record(**usual | fields)


def a_record(workspace: Workspace, *, at: datetime | None = None, **fields: Any) -> Record:
    """Return a call that was charged 12 credits, with these fields."""
    own: dict[str, Any] = {
        "id": uuid.uuid4(),
        "workspace_id": workspace.pk,
        "accepted_at": at or timezone.now(),
        "credits": 12,
    }
    if "price_id" not in fields:
        own["price_id"] = a_price().pk
    return record_of(**own | fields)


def refused(
    workspace: Workspace, *, at: datetime | None = None, code: str = "rate_limited", **fields: Any
) -> Record:
    """Return a call that was refused before credits were held, with these fields."""
    own: dict[str, Any] = {
        "price_id": None,
        "resolved_model": "",
        "status": 429,
        "error_type": "rate_limit_error",
        "error_code": code,
        "error_message": "too many",
        "ending": Ending.REFUSED,
        "stop_reason": "",
        "input_tokens": 0,
        "output_tokens": 0,
        "credits": 0,
        "first_byte_ms": None,
        "duration_ms": 0,
    }
    return a_record(workspace, at=at, **own | fields)


@transaction.atomic
def write(*several: Record) -> None:
    """Write them in one transaction, with the marks for the roll-up."""
    for record in several:
        columns = msgspec.structs.asdict(record)
        for name in ("lines", "attempts", "tags"):
            columns[name] = msgspec.to_builtins(columns[name])
        RequestRecord.objects.create(**columns)
        hour = record.accepted_at.replace(minute=0, second=0, microsecond=0)
        DirtyHour.objects.create(workspace_id=record.workspace_id, starts_at=hour)


def a_price() -> ModelPrice:
    """Return the only price row of these tests."""
    model, _ = Model.objects.get_or_create(
        public_id="caicaini/swift",
        defaults={"name": "Swift", "context_tokens": 8192, "max_output_tokens": 2048},
    )
    price, _ = ModelPrice.objects.get_or_create(
        model=model,
        in_force_from=datetime.fromisoformat("2026-01-01T00:00:00Z"),
        defaults={
            "input_credits_per_mtok": 100_000,
            "output_credits_per_mtok": 450_000,
            "cache_write_credits_per_mtok": 125_000,
            "cache_read_credits_per_mtok": 10_000,
        },
    )
    return price


def spread(workspace: Workspace, moments: Sequence[datetime], **fields: Any) -> list[Record]:
    """Write one call for each moment."""
    several = [a_record(workspace, at=moment, **fields) for moment in moments]
    write(*several)
    return several
