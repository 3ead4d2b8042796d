"""What a call costs, by how it ended. docs/adr/0006-what-each-ending-costs.md gives the reasons."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec

from catalogue.pricing import NO_USES, Price, TokenCounts, ToolUses, rounded_up
from catalogue.snapshot import CatalogueSnapshot, ModelRow
from gateway.call import Call
from gateway.pipeline import possible_usage
from gateway.reply.events import Iteration, Usage
from usage.records import RecordLine


class Charge(NamedTuple):
    """What is charged: `actual` credits, the sum of `lines` rounded up once, or None to void the
    hold. `lost` is the worth of upstream work that nobody pays for. `tokens` are those of all
    lines, `usage` is what the caller is sent."""

    usage: Usage
    tokens: TokenCounts
    lines: tuple[RecordLine, ...]
    actual: int | None
    lost: int
    is_estimated: bool


class _Priced(NamedTuple):
    """Tokens of one model at one price, and uses of the provider's tools."""

    model: ModelRow
    price: Price
    tokens: TokenCounts
    uses: ToolUses = NO_USES


_NO_USAGE = Usage(0, 0)


def completed(
    call: Call, usage: Usage, catalogue: CatalogueSnapshot, *, delivered: Callable[[], int]
) -> Charge:
    """The upstream finished: its own figures, or our estimate, flagged, where it gave none or none
    that is possible. `delivered` estimates the output."""
    usage = possible_usage.corrected(usage, call, delivered=delivered)
    if not usage.iterations:
        return _charged(call, usage, is_estimated=usage.is_estimated)
    priced = [_priced(one, call, catalogue) for one in usage.iterations]
    named = [
        msgspec.structs.replace(one, wire=_named(one, way.model))
        for one, way in zip(usage.iterations, priced, strict=True)
    ]
    usage = msgspec.structs.replace(usage, iterations=tuple(named))
    return _charged(call, usage, is_estimated=usage.is_estimated, priced=priced)


def caller_left(call: Call, delivered: Usage | None) -> Charge:
    """The caller disconnected: the input and what was delivered, or nothing if that is nothing."""
    if delivered is None:
        return _void(_NO_USAGE, lost=0)
    return _charged(call, delivered, is_estimated=True)


def not_charged(call: Call, delivered: Usage | None) -> Charge:
    """The call failed, broke off or was cut by a shutdown: what was delivered is our loss."""
    if delivered is None:
        return _void(_NO_USAGE, lost=0)
    return _void(delivered, lost=call.candidate.price.cost(_tokens(delivered), delivered.tool_uses))


def _charged(
    call: Call, usage: Usage, *, is_estimated: bool, priced: Iterable[_Priced] = ()
) -> Charge:
    tokens, candidate, uses = _tokens(usage), call.candidate, usage.tool_uses
    if not usage.iterations:  # nearly always
        lines = _lines(candidate.model, candidate.price, tokens, uses)
        actual = candidate.price.cost(tokens, uses)
        return Charge(usage, tokens, tuple(lines), actual, 0, is_estimated)
    own = _Priced(candidate.model, candidate.price, _beyond(tokens, usage.iterations), uses)
    ways = [own, *priced]
    lines = [line for way in ways for line in _lines(*way)]
    actual = rounded_up(sum(way.price.millionths(way.tokens, way.uses) for way in ways))
    return Charge(usage, _sum(way.tokens for way in ways), tuple(lines), actual, 0, is_estimated)


def _lines(model: ModelRow, price: Price, tokens: TokenCounts, uses: ToolUses) -> list[RecordLine]:
    return [
        RecordLine(token_class, model.public_id, price.id, units, per_mtok)
        for token_class, units, per_mtok in price.lines(tokens, uses)
    ]


def _void(usage: Usage, *, lost: int) -> Charge:
    return Charge(usage, _tokens(usage), (), None, lost, is_estimated=usage is not _NO_USAGE)


def _tokens(usage: Usage) -> TokenCounts:
    an_hour = usage.cache_creation_1h_input_tokens or 0
    return TokenCounts(
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_creation_input_tokens - an_hour,
        usage.cache_read_input_tokens,
        an_hour,
    )


def _beyond(top: TokenCounts, iterations: tuple[Iteration, ...]) -> TokenCounts:
    """What the counts of the whole message have above the sum of its own iterations: each
    iteration is charged by itself."""
    of_message = _sum(one.tokens for one in iterations if one.kind == "message")
    return TokenCounts(*(max(0, a - b) for a, b in zip(top, of_message, strict=True)))


def _sum(counts: Iterable[tuple[int, ...]]) -> TokenCounts:
    return TokenCounts(*map(sum, zip(TokenCounts(), *counts, strict=True)))


def _priced(iteration: Iteration, call: Call, catalogue: CatalogueSnapshot) -> _Priced:
    """An iteration at the price of the model that made it: the call's own model, unless the
    upstream names another one that is in the catalogue."""
    own, tokens = call.candidate, TokenCounts(*iteration.tokens)
    if iteration.model and iteration.model != own.upstream.upstream_model:
        helper = catalogue.priced_as(
            iteration.model, of_format=own.upstream.format, at=call.accepted_at
        )
        if helper is not None:
            return _Priced(*helper, tokens)
    return _Priced(own.model, own.price, tokens)


def _named(iteration: Iteration, model: ModelRow) -> dict[str, object]:
    """What the upstream sent, with our name for the model."""
    return iteration.wire | {"model": model.public_id} if iteration.model else iteration.wire
