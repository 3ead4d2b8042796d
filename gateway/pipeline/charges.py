"""What a call costs, by how it ended. docs/adr/0006-what-each-ending-costs.md gives the reasons."""

from typing import NamedTuple

from catalogue.pricing import Price, TokenCounts
from gateway.reply.events import Usage


class Charge(NamedTuple):
    """A call's reckoning: `actual` is None when nothing is charged (the hold is void); `lost` is
    what the upstream's work was worth that nobody pays for."""

    usage: Usage
    actual: int | None
    lost: int
    is_estimated: bool


_NOTHING = Usage(0, 0)


def completed(*, price: Price, usage: Usage) -> Charge:
    """The upstream finished: its own figures, or ours, flagged, where it gave none."""
    return Charge(usage, price.cost(_tokens(usage)), 0, usage.is_estimated)


def caller_left(*, price: Price, delivered: Usage | None) -> Charge:
    """The caller hung up: input and what was delivered; None is delivered, nothing is charged."""
    if delivered is None:
        return Charge(_NOTHING, None, 0, False)
    return Charge(delivered, price.cost(_tokens(delivered)), 0, True)


def not_charged(*, price: Price, worth: Usage | None) -> Charge:
    """Failed or broken off, or cut by our own doing: void. `worth` is what had been delivered."""
    if worth is None:
        return Charge(_NOTHING, None, 0, False)
    return Charge(worth, None, price.cost(_tokens(worth)), True)


def _tokens(usage: Usage) -> TokenCounts:
    return TokenCounts(
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_creation_input_tokens,
        usage.cache_read_input_tokens,
    )
