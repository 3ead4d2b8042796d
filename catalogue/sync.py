"""Load the catalogue file into the database."""

import hashlib
from pathlib import Path

import msgspec
from django.db import transaction
from django.db.models.functions import Now

from catalogue import file
from catalogue.errors import CatalogueError
from catalogue.models import CatalogueSync, Model, ModelPrice, Upstream
from catalogue.pricing import TOOLS


@transaction.atomic
def sync(*, path: Path) -> bool:
    """Load the file at `path`; return whether anything changed. The second time changes nothing.

    A model or upstream that left the file is retired, not deleted: old requests point to it. A
    price that was loaded once keeps its numbers: to change it, add a row from a later moment.
    """
    catalogue = file.read(path)
    digest = hashlib.sha256(msgspec.json.encode(catalogue)).hexdigest()
    newest = CatalogueSync.objects.select_for_update().order_by("-id").first()
    if newest is not None and newest.digest == digest:
        return False
    models = {row.id: _sync_model(row) for row in catalogue.models}
    Model.objects.exclude(public_id__in=models).filter(retired_at=None).update(retired_at=Now())
    CatalogueSync.objects.create(digest=digest)
    return True


def _sync_model(row: file.ModelRow) -> Model:
    model, _ = Model.objects.update_or_create(
        public_id=row.id,
        defaults={
            "name": row.name,
            "description": row.description,
            "context_tokens": row.context_tokens,
            "max_output_tokens": row.max_output_tokens,
            "capabilities": list(row.capabilities),
            "max_tokens_per_image": row.max_tokens_per_image,
            "allow": row.allow,
            "is_auto": row.auto,
            "retires_on": row.retires_on,
            "replacement": row.replacement,
            "retired_at": None,
        },
    )
    for price in row.prices:
        _sync_price(model, price)
    _sync_upstreams(model, row.upstreams)
    return model


def _sync_price(model: Model, row: file.PriceRow) -> None:
    numbers = {
        "input_credits_per_mtok": row.input,
        "output_credits_per_mtok": row.output,
        "cache_write_credits_per_mtok": row.cache_write,
        "cache_read_credits_per_mtok": row.cache_read,
        "cache_write_1h_credits_per_mtok": row.cache_write_1h,
        **{f"{tool}_credits_per_1k": getattr(row, tool) for tool in TOOLS},
    }
    price, is_new = ModelPrice.objects.get_or_create(
        model=model, in_force_from=row.in_force_from, defaults=numbers
    )
    if is_new or all(getattr(price, name) == value for name, value in numbers.items()):
        return
    raise CatalogueError(
        f"The price of {model.public_id} from {row.in_force_from.isoformat()} is already in the "
        "books with other numbers; add a row with a later moment instead of changing it."
    )


def _sync_upstreams(model: Model, rows: list[file.UpstreamRow]) -> None:
    kept = []
    for row in rows:
        upstream, _ = Upstream.objects.update_or_create(
            model=model,
            format=row.format,
            base_url=row.base_url.rstrip("/"),
            upstream_model=row.model,
            defaults={
                "api_key_env": row.api_key_env,
                "priority": row.priority,
                "weight": row.weight,
                "dialect": row.dialect,
                "habits": row.habits,
                "retired_at": None,
            },
        )
        kept.append(upstream.pk)
    model.upstreams.exclude(pk__in=kept).filter(retired_at=None).update(retired_at=Now())
