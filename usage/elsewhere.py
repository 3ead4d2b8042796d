"""What a call's tokens would have cost on the other models that could have served it. Pure.

Other models count the same text in other tokens, and answer at another length: it compares prices,
not answers.
"""

from collections.abc import Iterable
from typing import NamedTuple

from catalogue.pricing import NO_USES, TOOLS, Price, TokenCounts, ToolUses
from usage import routes
from usage.records import Record


class PricedOffer(NamedTuple):
    """A model that was offered when the call was accepted, at its price of that moment."""

    model: str
    context_tokens: int
    max_output_tokens: int
    capabilities: frozenset[str]
    price: Price


class Alternative(NamedTuple):
    """The same tokens at another model's price, or without the cache."""

    model: str
    note: str
    credits: int
    difference: int
    is_this_call: bool = False
    is_without_cache: bool = False


def alternatives(record: Record, offers: Iterable[PricedOffer]) -> list[Alternative]:
    """Return this call among the alternatives to it, cheapest first; none without tokens."""
    if not record.lines:
        return []
    taken = routes.parse(record.route)
    tokens, uses = _tokens_of(record), _uses_of(record)
    found = [_this_call(record)]
    for offer in offers:
        if offer.model == record.resolved_model:
            found += _without_cache(record, offer.price)
        elif _could_serve(record, offer, taken, uses):
            dropped = taken.reason_against(offer.model)
            note = dropped.words if dropped else ""
            found.append(_alternative(record, offer.model, note, offer.price.cost(tokens, uses)))
    return sorted(found, key=lambda one: (one.credits, not one.is_this_call, one.model))


def dearest_of(found: list[Alternative]) -> int:
    """Return the highest cost, which a bar's full length stands for; at least 1."""
    return max([1, *(one.credits for one in found)])


def _could_serve(
    record: Record, offer: PricedOffer, taken: routes.TakenRoute, uses: ToolUses
) -> bool:
    dropped = taken.reason_against(offer.model)
    prices = zip(uses, offer.price.per_1k_uses, strict=True)
    return (
        not any(number and price is None for number, price in prices)
        and taken.needs <= offer.capabilities
        and record.all_input_tokens <= offer.context_tokens
        and record.output_tokens <= offer.max_output_tokens
        and (dropped is None or dropped.could_answer)
    )


def _without_cache(record: Record, price: Price) -> list[Alternative]:
    if record.all_input_tokens == record.input_tokens:
        return []
    tokens = TokenCounts(input=record.all_input_tokens, output=record.output_tokens)
    note = "The same input, all at the full input price"
    found = _alternative(record, record.resolved_model, note, price.cost(tokens, _uses_of(record)))
    return [found._replace(is_without_cache=True)]


def _this_call(record: Record) -> Alternative:
    return _alternative(record, record.resolved_model, "", record.credits)._replace(
        is_this_call=True
    )


def _alternative(record: Record, model: str, note: str, credits: int) -> Alternative:
    return Alternative(model, note, credits, credits - record.credits)


def _uses_of(record: Record) -> ToolUses:
    units = {line.token_class: line.units for line in record.lines or ()}
    if not units.keys() & set(TOOLS):
        return NO_USES
    return ToolUses(*(units.get(tool, 0) for tool in TOOLS))


def _tokens_of(record: Record) -> TokenCounts:
    an_hour = record.cache_creation_1h_input_tokens or 0
    return TokenCounts(
        record.input_tokens,
        record.output_tokens,
        record.cache_creation_input_tokens - an_hour,
        record.cache_read_input_tokens,
        an_hour,
    )
