"""The models' prices: in force, announced, and what a typical chat costs."""

from typing import NamedTuple

from django.utils import timezone

from catalogue.models import Model, ModelPrice
from catalogue.pricing import TokenCounts

# A question with a little history, and an answer of a few paragraphs.
TYPICAL_CHAT = TokenCounts(input=400, output=250)


class PricedModel(NamedTuple):
    """A model that can be called, with the price in force."""

    model: Model
    price: ModelPrice

    def chats(self, number: int) -> int:
        """Return the credits that as many typical chats cost; each is rounded up for itself."""
        return self.price.price.cost(TYPICAL_CHAT) * number


def priced_models() -> list[PricedModel]:
    """Return the models with a price, cheapest output first; one without cannot be called."""
    in_force = ModelPrice.objects.in_force(at=timezone.now())
    priced = [PricedModel(price.model, price) for price in in_force]
    return sorted(priced, key=lambda row: (row.price.output_credits_per_mtok, row.model.public_id))


def announced_prices() -> list[ModelPrice]:
    """Return the prices that come into force later, the next one first."""
    now = timezone.now()
    later = ModelPrice.objects.offered(at=now).filter(in_force_from__gt=now)
    return list(later.order_by("in_force_from", "model__public_id"))
