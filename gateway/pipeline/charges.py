"""What a call costs, by how it ended. docs/adr/0006-what-each-ending-costs.md gives the reasons."""

from typing import NamedTuple

from catalogue.pricing import TokenCounts
from gateway.reply.events import Usage
from gateway.upstreams.router import Candidate
from usage.records import RecordLine


class Charge(NamedTuple):
    """What is charged: `actual` credits, the sum of `lines` rounded up once, or None to void the
    hold. `lost` is the worth of upstream work that nobody pays for."""

    usage: Usage
    lines: tuple[RecordLine, ...]
    actual: int | None
    lost: int
    is_estimated: bool


_NO_USAGE = Usage(0, 0)


def completed(candidate: Candidate, usage: Usage) -> Charge:
    """The upstream finished: its own figures, or our estimate, flagged, where it gave none."""
    return _charged(candidate, usage, is_estimated=usage.is_estimated)


def caller_left(candidate: Candidate, delivered: Usage | None) -> Charge:
    """The caller disconnected: the input and what was delivered, or nothing if that is nothing."""
    if delivered is None:
        return _void(_NO_USAGE, lost=0)
    return _charged(candidate, delivered, is_estimated=True)


def not_charged(candidate: Candidate, delivered: Usage | None) -> Charge:
    """The call failed, broke off or was cut by a shutdown: what was delivered is our loss."""
    if delivered is None:
        return _void(_NO_USAGE, lost=0)
    return _void(delivered, lost=candidate.price.cost(_tokens(delivered)))


def _charged(candidate: Candidate, usage: Usage, *, is_estimated: bool) -> Charge:
    price, model = candidate.price, candidate.model.public_id
    tokens = _tokens(usage)
    lines = tuple(
        RecordLine(token_class, model, price.id, units, per_mtok)
        for token_class, units, per_mtok in price.lines(tokens)
    )
    return Charge(usage, lines, price.cost(tokens), 0, is_estimated)


def _void(usage: Usage, *, lost: int) -> Charge:
    return Charge(usage, (), None, lost, is_estimated=usage is not _NO_USAGE)


def _tokens(usage: Usage) -> TokenCounts:
    return TokenCounts(
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_creation_input_tokens,
        usage.cache_read_input_tokens,
    )
