"""Models with a price, in the database alone."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from catalogue.models import Model, ModelPrice


def a_model(name: str, *, output: int, starts_in_days: int = -1, **fields: Any) -> Model:
    """Create test/<name>, whose output costs that many credits per million tokens."""
    model = Model.objects.create(
        public_id=f"test/{name}",
        name=name,
        context_tokens=8192,
        max_output_tokens=2048,
        **fields,
    )
    ModelPrice.objects.create(
        model=model,
        in_force_from=timezone.now() + timedelta(days=starts_in_days),
        input_credits_per_mtok=100_000,
        output_credits_per_mtok=output,
        cache_write_credits_per_mtok=0,
        cache_read_credits_per_mtok=0,
    )
    return model
