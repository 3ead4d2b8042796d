"""Tables of models, prices and retirements, from the catalogue as it is loaded."""

from collections.abc import Sequence

from django.utils import timezone

from catalogue.models import Model, ModelPrice
from docs_site.tables.markdown_table import table
from docs_site.tables.priced_models import TYPICAL_CHAT, announced_prices, priced_models
from web.templatetags.display import dollars

_NONE = "No model is available at the moment."
_CAPABILITIES = {
    "images": "images",
    "documents": "documents",
    "tools": "tools",
    "thinking": "thinking",
    "structured_output": "structured output",
}
_PRICE_HEAD = ("Per million tokens", "Input", "Output", "Cache write", "Cache read")


def models(_: str) -> str:
    """Return the models that can be called, with their sizes and capabilities."""
    rows = [
        (
            f"`{row.model.public_id}`",
            row.model.description or row.model.name,
            f"{row.model.context_tokens:,}",
            f"{row.model.max_output_tokens:,}",
            _capabilities(row.model),
            "yes" if row.model.is_auto else "no",
        )
        for row in priced_models()
    ]
    head = ("Model", "For", "Context", "Longest answer", "Beyond text", "`caicaini/auto`")
    return table(head, rows) if rows else _NONE


def model_lines(_: str) -> str:
    """Return a line for each model, for programs: its sizes, and what it takes."""
    lines = (
        f"- `{row.model.public_id}`: {(row.model.description or row.model.name).rstrip('.')}. "
        f"Context {row.model.context_tokens:,} tokens, answers up to "
        f"{row.model.max_output_tokens:,}; beyond text: {_capabilities(row.model)}."
        for row in priced_models()
    )
    return "\n".join(lines) or _NONE


def prices(_: str) -> str:
    """Return the prices in force, and that of a thousand typical chats."""
    rows = [
        (f"`{row.model.public_id}`", *_amounts(row.price), _amount(row.chats(1000)))
        for row in priced_models()
    ]
    return table((*_PRICE_HEAD, "1,000 typical chats"), rows) if rows else _NONE


def price_changes(_: str) -> str:
    """Return the prices that come into force later."""
    rows = [
        (f"`{row.model.public_id}`", *_amounts(row), f"{row.in_force_from:%-d %B %Y, %H:%M} UTC")
        for row in announced_prices()
    ]
    if not rows:
        return "No change of a price is announced."
    return table((*_PRICE_HEAD, "From"), rows)


def life_cycle(_: str) -> str:
    """Return every model that was ever offered, the retired ones last."""
    found = Model.objects.order_by("public_id")
    rows = sorted((_stage(model) for model in found), key=lambda row: row[0])
    head = ("Model", "Stage", "Since", "Retires", "Call instead")
    return table(head, [row[1:] for row in rows]) if rows else _NONE


def typical_chat() -> str:
    """Return what is meant by a typical chat."""
    return f"{TYPICAL_CHAT.input:,} tokens in and {TYPICAL_CHAT.output:,} tokens out"


def _stage(model: Model) -> tuple[int, str, str, str, str, str]:
    """Return a rank and a row: active, then deprecated, then retired models."""
    today = timezone.now().date()
    ends_on = model.retires_on
    if model.retired_at is not None:
        left_on = model.retired_at.date()
        ends_on = min(ends_on, left_on) if ends_on else left_on
    rank = 0 if ends_on is None else 1 if ends_on > today else 2
    return (
        rank,
        f"`{model.public_id}`",
        ("active", "deprecated", "retired")[rank],
        f"{model.created_at:%-d %B %Y}",
        f"{ends_on:%-d %B %Y}" if ends_on else "not announced",
        f"`{model.replacement}`" if model.replacement else "none",
    )


def _capabilities(model: Model) -> str:
    return ", ".join(_CAPABILITIES[one] for one in model.capabilities) or "none"


def _amounts(price: ModelPrice) -> Sequence[str]:
    return [
        _amount(price.input_credits_per_mtok),
        _amount(price.output_credits_per_mtok),
        _amount(price.cache_write_credits_per_mtok),
        _amount(price.cache_read_credits_per_mtok),
    ]


def _amount(credits: int) -> str:
    return f"{dollars(credits)} · {credits:,}"
