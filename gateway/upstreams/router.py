"""Which models and upstreams may answer a request, cheapest first. Pure: no I/O, no clock."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from catalogue.pricing import Price
from catalogue.snapshot import CatalogueSnapshot, ModelRow, UpstreamRow
from gateway.errors import InvalidRequest, ModelNotFound, PermissionDenied, UpstreamUnavailable
from gateway.reply.token_usage import estimate_tokens
from gateway.request.parse import MessagesRequest
from gateway.upstreams.circuit_breaker import retry_after_s

AUTO = "caicaini/auto"
# Chat templates add tokens that are not in the body: role marks, tool preambles.
_TEMPLATE_TOKENS = 1024
_TOO_LONG = "context length"
_NO_UPSTREAM_RETRY_S = 30  # until an operator has given the model an upstream, at best
_FORMAT_OF_HELPERS = "messages"  # the only one with tools that call another model
# Providers summarise no shorter conversation.
_LEAST_COMPACTED_TOKENS = 50_000
_WHO_TAKES_WHAT = "/docs/models-and-prices lists what each model takes."
NEED_WORDS = {
    "images": "images",
    "documents": "documents",
    "tools": "tools",
    "thinking": "thinking",
    "structured_output": "structured output",
}


class Candidate(msgspec.Struct, frozen=True):
    """One way to answer: a model at its price through one upstream, for `bound` credits at most."""

    model: ModelRow
    price: Price
    upstream: UpstreamRow
    max_tokens: int
    bound: int

    def bound_of(self, request: MessagesRequest, *, input_tokens: int) -> int:
        """Return the most that the request costs with so many tokens of input, without what helper
        models cost."""
        return _bound(request, self.model, self.price, input_tokens)


class Route(msgspec.Struct, frozen=True):
    """The ways to answer, best first, and why the others were dropped (model → reason)."""

    candidates: tuple[Candidate, ...]
    dropped: dict[str, str]

    def of_one_model(self) -> "Route":
        """Return the ways of the first model alone: for a hold by that model's own token count,
        which need not cover another model's."""
        first = self.candidates[0].model
        kept = [way for way in self.candidates if way.model is first]
        return self._keeping(kept, "too near the balance")

    def beginning_with(self, place: int) -> "Route":
        """Return the ways from `place` on: the formats before it cannot express the request."""
        return self._keeping(self.candidates[place:], "format")

    def _keeping(self, kept: Sequence[Candidate], why: str) -> "Route":
        return Route(tuple(kept), self.dropped | _models_without(self.candidates, kept, why))

    def explained(self, chosen: Candidate) -> str:
        """The `caicaini-route` header: caicaini/swift; dropped="caicaini/large: tools".

        `chosen` is the candidate that answered; the models before it have failed.
        """
        name = chosen.model.public_id
        if chosen is self.candidates[0] and not self.dropped:
            return name
        reasons = self._reasons(chosen)
        return f'{name}; dropped="{reasons}"' if reasons else name

    def recorded(self, chosen: Candidate, *, needs: frozenset[str]) -> str:
        """The same with what the request needs, for its record: caicaini/swift; needs="tools".

        A receipt tells from it which other models could have answered: the request is not kept.
        """
        if not needs:
            return self.explained(chosen)
        reasons = self._reasons(chosen)
        dropped = f'; dropped="{reasons}"' if reasons else ""
        return f'{chosen.model.public_id}; needs="{" ".join(sorted(needs))}"{dropped}'

    def _reasons(self, chosen: Candidate) -> str:
        models = [way.model.public_id for way in self.candidates]
        failed = dict.fromkeys(models[: models.index(chosen.model.public_id)], "failed")
        return ", ".join(f"{model}: {why}" for model, why in (self.dropped | failed).items())


def route(
    request: MessagesRequest,
    catalogue: CatalogueSnapshot,
    *,
    allowed_models: Iterable[str],
    now: datetime,
    blocked: Mapping[int, float],
    draw: Callable[[], float],
) -> Route:
    """Resolve the request's model. Raises ModelNotFound, PermissionDenied, InvalidRequest, or
    UpstreamUnavailable if no upstream that could answer is available.

    `blocked` names the upstreams that may not be asked now, each with the seconds until it may.
    `draw` returns numbers in [0, 1): they share calls among upstreams of one priority by weight.
    """
    of_helpers = _bound_of_helpers(request, catalogue, now)
    allowed = frozenset(allowed_models)
    if request.model == AUTO:
        return _route_auto(request, catalogue, allowed, now, blocked, draw, of_helpers)
    model = catalogue.models.get(request.model)
    if model is None or model.price_at(now) is None:
        raise ModelNotFound(request.model)
    if allowed and model.public_id not in allowed:
        raise PermissionDenied(f"This API key may not call {model.public_id}.")
    if missing := sorted(request.needs - model.capabilities):
        raise InvalidRequest(
            f"{model.public_id} does not take {NEED_WORDS[missing[0]]}. {_WHO_TAKES_WHAT}"
        )
    candidates = _ordered(_candidates(request, model, now, of_helpers), draw)
    return Route(tuple(_open(candidates, blocked)), {})


def _route_auto(
    request: MessagesRequest,
    catalogue: CatalogueSnapshot,
    allowed: frozenset[str],
    now: datetime,
    blocked: Mapping[int, float],
    draw: Callable[[], float],
    of_helpers: int,
) -> Route:
    dropped: dict[str, str] = {}
    kept: list[Candidate] = []
    for model in catalogue.models.values():
        if not model.is_auto:
            continue
        reason = _reason_to_drop(request, model, allowed, now)
        if reason is None:
            kept += _ordered(_candidates(request, model, now, of_helpers), draw)
        else:
            dropped[model.public_id] = reason
    if not kept:
        _refuse(request, catalogue, dropped)
    kept.sort(key=_dearness)  # stable: keeps the drawn order
    healthy = _open(kept, blocked)
    # One hold covers every attempt: a candidate that may cost more than the first is no fallback.
    affordable = [way for way in healthy if way.bound <= healthy[0].bound]
    dropped |= _models_without(kept, healthy, "not healthy")
    dropped |= _models_without(healthy, affordable, "dearer")
    return Route(tuple(affordable), dropped)


def _open(ways: Sequence[Candidate], blocked: Mapping[int, float]) -> list[Candidate]:
    """Return the ways whose upstream may be asked; raises UpstreamUnavailable if there is none."""
    kept = [way for way in ways if way.upstream.id not in blocked]
    if not kept:
        if not ways:
            raise UpstreamUnavailable(retry_after_s=_NO_UPSTREAM_RETRY_S)
        raise UpstreamUnavailable(
            retry_after_s=retry_after_s(blocked, (way.upstream.id for way in ways))
        )
    return kept


def _models_without(
    ways: Sequence[Candidate], kept: Sequence[Candidate], why: str
) -> dict[str, str]:
    """Return the models of which no way was kept, with the reason."""
    left = {way.model.public_id for way in kept}
    return {way.model.public_id: why for way in ways if way.model.public_id not in left}


def _reason_to_drop(
    request: MessagesRequest, model: ModelRow, allowed: frozenset[str], now: datetime
) -> str | None:
    if allowed and model.public_id not in allowed:
        return "not allowed for this key"
    if model.price_at(now) is None:
        return "no price"
    if missing := sorted(request.needs - model.capabilities):
        return " and ".join(NEED_WORDS[need] for need in missing)
    if _likely_input(request) > model.context_tokens:
        return _TOO_LONG
    if not any(upstream.has_credentials for upstream in model.upstreams):
        return "no upstream"
    return None


def _refuse(
    request: MessagesRequest, catalogue: CatalogueSnapshot, dropped: dict[str, str]
) -> None:
    """Raise the reason why no model can take the request: the caller's, or ours."""
    too_small = [catalogue.models[name] for name, why in dropped.items() if why == _TOO_LONG]
    if too_small:
        most = max(model.context_tokens for model in too_small)
        # Clients recognise this wording and shorten the conversation.
        raise InvalidRequest(
            f"prompt is too long: {_likely_input(request)} tokens > {most} maximum"
        )
    needs = sorted({word for need, word in NEED_WORDS.items() if need in request.needs})
    if dropped and all(reason == "not allowed for this key" for reason in dropped.values()):
        raise PermissionDenied(f"This API key may call no model that {AUTO} chooses from.")
    if needs:
        raise InvalidRequest(
            f"{AUTO} has no model that takes {' and '.join(needs)}. {_WHO_TAKES_WHAT}"
        )
    raise UpstreamUnavailable(retry_after_s=_NO_UPSTREAM_RETRY_S)


def _bound_of_helpers(request: MessagesRequest, catalogue: CatalogueSnapshot, now: datetime) -> int:
    """Return the most that the models cost that a provider calls for the request's tools: they
    read the conversation each time, and `max_tokens` does not bound what they write. Raises
    InvalidRequest for one without a price."""
    total = 0
    for name, uses in request.helpers:
        helper = catalogue.priced_as(name, of_format=_FORMAT_OF_HELPERS, at=now)
        if helper is None:
            raise InvalidRequest(f"tools: the helper model '{name}' has no price here")
        model, price = helper
        total += price.bound(
            input_tokens=uses * model.context_tokens, output_tokens=uses * model.max_output_tokens
        )
    return total


def _bound(request: MessagesRequest, model: ModelRow, price: Price, input_tokens: int) -> int:
    """Return the most that the model costs with so many tokens of input in its first pass. It reads
    on after each use of a provider's tool: of what that found, nothing is known but that it fits
    into the context with the conversation."""
    output_tokens = min(request.max_tokens, model.max_output_tokens)
    longest, rereads = input_tokens, request.rereads
    if rereads:
        longest = model.context_tokens
        input_tokens = min(input_tokens, longest) + rereads * longest
    if request.may_be_compacted and longest >= _LEAST_COMPACTED_TOKENS:
        summaries = (1 + rereads) * model.max_output_tokens  # each is written, and read
        input_tokens = 2 * input_tokens + summaries
        output_tokens += summaries
    return price.bound(input_tokens=input_tokens, output_tokens=output_tokens, uses=request.uses)


def _candidates(
    request: MessagesRequest, model: ModelRow, now: datetime, of_helpers: int
) -> list[Candidate]:
    price = model.price_at(now)
    assert price is not None
    max_tokens = min(request.max_tokens, model.max_output_tokens)
    bound = of_helpers + _bound(request, model, price, most_input(request, model))
    return [
        Candidate(model, price, upstream, max_tokens, bound)
        for upstream in model.upstreams
        if upstream.has_credentials
    ]


def _ordered(ways: list[Candidate], draw: Callable[[], float]) -> list[Candidate]:
    """Lower priorities first; among equals, the chance to be first is proportional to the weight.

    Each draws a waiting time with its weight as the rate (Efraimidis and Spirakis, 2006).
    """

    if len(ways) < 2:
        return ways  # nearly always: nothing to draw

    def place(way: Candidate) -> tuple[int, float]:
        return way.upstream.priority, -math.log(1.0 - draw()) / way.upstream.weight

    return sorted(ways, key=place)


def _dearness(way: Candidate) -> tuple[int, int, int, str]:
    """The bound first; prices break a tie that only rounding caused."""
    return way.bound, way.price.output, way.price.input, way.model.public_id


def _likely_input(request: MessagesRequest) -> int:
    """Estimate the input tokens of the text, to skip a model that could hardly take it. Near the
    limit, the model's own server decides."""
    return estimate_tokens(request.text_bytes)


def most_input(request: MessagesRequest, model: ModelRow) -> int:
    """Return more input tokens than the request can have, without what the provider's tools find: a
    token is at least one byte. Of a document, nothing is known but that it fits into the
    context."""
    if request.document_count:
        return model.context_tokens
    images = request.image_count * model.max_tokens_per_image
    return request.text_bytes + _TEMPLATE_TOKENS + images
