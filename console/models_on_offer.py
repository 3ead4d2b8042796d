"""The models that the console offers, with what a person chooses by."""

from typing import Any

from django.utils import timezone

from catalogue.models import ModelPrice


def models_on_offer() -> list[dict[str, Any]]:
    """Return the models with a price in force, cheapest output first; prices are credits per
    million tokens."""
    in_force = ModelPrice.objects.in_force(at=timezone.now())
    return sorted(map(_described, in_force), key=lambda model: (model["output"], model["id"]))


def _described(price: ModelPrice) -> dict[str, Any]:
    model = price.model
    return {
        "id": model.public_id,
        "name": model.name,
        "description": model.description,
        "context": model.context_tokens,
        "maxOutput": model.max_output_tokens,
        "capabilities": model.capabilities,
        "isAuto": model.is_auto,
        "input": price.input_credits_per_mtok,
        "output": price.output_credits_per_mtok,
    }
