"""The models' current prices."""

from typing import NamedTuple

from django.utils import timezone

from catalogue.models import Model, ModelPrice


class PricedModel(NamedTuple):
    """A model that can be called, with the price in force."""

    model: Model
    price: ModelPrice


def priced_models() -> list[PricedModel]:
    """Return the models with a price, cheapest output first; one without cannot be called."""
    now = timezone.now()
    offered = Model.objects.offered(on=now.date())
    newest = (
        ModelPrice.objects.filter(model__in=offered, in_force_from__lte=now)
        .select_related("model")
        .order_by("model_id", "-in_force_from")
        .distinct("model_id")
    )
    priced = [PricedModel(price.model, price) for price in newest]
    return sorted(priced, key=lambda row: (row.price.output_credits_per_mtok, row.model.public_id))
