"""What the models on offer can do, and what of a request none of them can."""

from docs_site.tables.priced_models import priced_models
from gateway.errors import InvalidRequest
from gateway.request import parse
from gateway.upstreams.router import AUTO, NEED_WORDS

# The capabilities of each model that caicaini/auto chooses from; None: they are not known.
Abilities = frozenset[frozenset[str]] | None


def on_offer() -> Abilities:
    """Read them from the catalogue."""
    return frozenset(
        frozenset(row.model.capabilities) for row in priced_models() if row.model.is_auto
    )


def beyond(abilities: Abilities, request: str) -> str:
    """Return in words what the request needs if no model on offer can do all of it, else ""."""
    try:
        parsed = parse.messages_request(request.encode())
    except InvalidRequest:
        return ""  # an example of an error
    if abilities is None or not parsed.needs or parsed.model != AUTO:
        return ""
    if any(parsed.needs <= able for able in abilities):
        return ""
    return " and ".join(NEED_WORDS[need] for need in sorted(parsed.needs))
