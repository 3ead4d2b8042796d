"""A route in words for a person: which model would be asked, which next, and why not the others."""

from gateway.request.parse import MessagesRequest
from gateway.upstreams.router import AUTO, NEED_WORDS, Route

_WORDS = {
    "context length": "the request is too long for it",
    "no price": "has no price at the moment",
    "no upstream": "has no server at the moment",
    "not healthy": "its server is failing at the moment",
    "dearer": "dearer",
    "format": "its server cannot take this request",
}


def explained(route: Route, request: MessagesRequest) -> list[dict[str, str]]:
    """Return each model once with its state (chosen, next or dropped) and a reason, best first."""
    models = list(dict.fromkeys(way.model.public_id for way in route.candidates))
    chosen, *others = models
    return [
        {"model": chosen, "state": "chosen", "reason": _why_chosen(request)},
        *({"model": name, "state": "next", "reason": "if that fails"} for name in others),
        *(
            {"model": name, "state": "dropped", "reason": _why_dropped(reason)}
            for name, reason in route.dropped.items()
        ),
    ]


def _why_chosen(request: MessagesRequest) -> str:
    if request.model != AUTO:
        return "named in the request"
    needs = _listed(sorted(NEED_WORDS[need] for need in request.needs))
    return f"cheapest with {needs}" if needs else "cheapest"


def _why_dropped(reason: str) -> str:
    """Turn the reason of the `caicaini-route` header into words; what is left names needs."""
    return _WORDS.get(reason) or f"takes no {reason.replace(' and ', ' and no ')}"


def _listed(words: list[str]) -> str:
    *most, last = words or [""]
    return f"{', '.join(most)} and {last}" if most else last
