"""The landing page: recorded answers with their cost, the way to a live one, and the prices."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.access import public
from billing.ledger import demo
from catalogue.models import Model
from docs_site.landing.recordings import RecordedAnswer, recordings
from docs_site.tables.priced_models import TYPICAL_CHAT, PricedModel, priced_models
from gateway.upstreams.router import NEED_WORDS
from web.http import render_page

CHATS = 1_000


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
