"""The landing page: recorded answers with their cost, the way to a live one, and the prices."""

from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.access import public
from billing.ledger import demo
from catalogue.models import Model
from catalogue.pricing import TOKENS_PER_PRICE_UNIT
from docs_site.file_stamps import Stamp, stamp
from docs_site.prices import TYPICAL_CHAT, PricedModel, priced_models
from gateway.upstreams.router import NEED_WORDS
from usage.records import RecordLine
from web.http import render_page

RECORDINGS = Path(__file__).resolve().parent / "landing_recordings.json"
CHATS = 1_000


class RecordedAnswer(msgspec.Struct, frozen=True):
    """A real answer to one of the demo's questions, as `manage.py record_landing` wrote it.

    `number` is the question's. `lines` are those of the request record; times are milliseconds.
    """

    number: int
    question: str
    answer: str
    model: str
    input_tokens: int
    output_tokens: int
    credits: int
    held: int
    first_ms: int
    total_ms: int
    lines: tuple[RecordLine, ...]
    recorded_at: datetime

    @property
    def charged_percent(self) -> float:
        """The charged part of what was held."""
        return round(100 * self.credits / self.held, 2)

    @property
    def sum(self) -> str:
        """The exact cost in credits, before it was rounded up."""
        millionths = sum(line.units * line.price for line in self.lines)
        return f"{millionths / TOKENS_PER_PRICE_UNIT:,.3f}".rstrip("0").rstrip(".")


@public
@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """Show the product: a recorded answer and its cost, prices, three steps."""
    models = priced_models()
    context = {
        "recordings": _of_offered(models),
        "can_run": bool(settings.DEMO_CREDITS_PER_DAY) and demo.has_credits(),
        "prices": _prices(models),
        "base_url": settings.PUBLIC_URL,
        "chat": TYPICAL_CHAT,
        "rows": [(row, _words(row.model), row.chats(CHATS)) for row in models],
    }
    return render_page(request, "docs/landing.html", context)


def recordings() -> tuple[RecordedAnswer, ...]:
    """Return all recorded answers."""
    return _load(stamp([RECORDINGS]))


@lru_cache(maxsize=8)
def _load(_: Stamp) -> tuple[RecordedAnswer, ...]:
    return msgspec.json.decode(RECORDINGS.read_bytes(), type=tuple[RecordedAnswer, ...])


def _of_offered(models: list[PricedModel]) -> list[RecordedAnswer]:
    """Return the recordings of models that this installation offers."""
    offered = {row.model.public_id for row in models}
    return [one for one in recordings() if one.model in offered]


def _words(model: Model) -> list[str]:
    """Return what the model can do besides text."""
    return [NEED_WORDS[capability] for capability in model.capabilities] or ["text"]


def _prices(models: list[PricedModel]) -> dict[str, Any]:
    """Return what a live run's sum is computed with: credits per million tokens."""
    return {
        row.model.public_id: {
            "input": row.price.input_credits_per_mtok,
            "output": row.price.output_credits_per_mtok,
            "cache_write": row.price.cache_write_credits_per_mtok,
            "cache_read": row.price.cache_read_credits_per_mtok,
        }
        for row in models
    }
