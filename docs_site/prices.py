"""The models' prices: in force, announced, and what a typical chat costs."""

from typing import NamedTuple

from django.db.models import QuerySet
from django.utils import timezone

from catalogue.models import Model, ModelPrice
from catalogue.pricing import Price, TokenCounts

# A question with a little history, and an answer of a few paragraphs.
TYPICAL_CHAT = TokenCounts(input=400, output=250)


class PricedModel(NamedTuple):
    """A model that can be called, with the price in force."""

    model: Model
    price: ModelPrice

    def chats(self, number: int) -> int:
        """Return the credits that as many typical chats cost; each is rounded up for itself."""
        row = self.price
        price = Price(
            row.pk,
            row.input_credits_per_mtok,
            row.output_credits_per_mtok,
            row.cache_write_credits_per_mtok,
            row.cache_read_credits_per_mtok,
        )
        return price.cost(TYPICAL_CHAT) * number


def priced_models() -> list[PricedModel]:
    """Return the models with a price, cheapest output first; one without cannot be called."""
    now = timezone.now()
    newest = (
        _of_offered_models()
        .filter(in_force_from__lte=now)
        .order_by("model_id", "-in_force_from")
        .distinct("model_id")
    )
    priced = [PricedModel(price.model, price) for price in newest]
    return sorted(priced, key=lambda row: (row.price.output_credits_per_mtok, row.model.public_id))


def announced_prices() -> list[ModelPrice]:
    """Return the prices that come into force later, the next one first."""
    later = _of_offered_models().filter(in_force_from__gt=timezone.now())
    return list(later.order_by("in_force_from", "model__public_id"))


def _of_offered_models() -> QuerySet[ModelPrice]:
    offered = Model.objects.offered(on=timezone.now().date())
    return ModelPrice.objects.filter(model__in=offered).select_related("model")
