"""GET /v1/models and /v1/models/{id}: what a key may call, at which price."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from catalogue.pricing import Price
from catalogue.snapshot import CatalogueSnapshot, ModelRow
from gateway.errors import InvalidRequest, ModelNotFound
from gateway.http import capabilities
from gateway.http.authentication import with_key_unlimited
from gateway.http.responses import json_response
from gateway.runtime.services import GatewayServices
from keys.gateway_queries import CachedKey

DEFAULT_LIMIT = 20
MOST_PER_PAGE = 1000
# Stages of models that can be called; SDKs know `retired` too, whose models are not listed.
STAGES = ("active", "deprecated")
_STAGE_PARAMETERS = ("lifecycle[]", "lifecycle")


@with_key_unlimited
async def list_models(request: Request, key: CachedKey, request_id: UUID) -> Response:
    """Answer GET /v1/models: the models this key may call, in pages."""
    services: GatewayServices = request.state.services
    stages = _stages(request)
    visible = _visible(services.catalogue.current, key)
    models = [model for model in visible if not stages or _stage(model) in stages]
    page, has_more = _page(models, request)
    body = {
        "data": [_described(model) for model in page],
        "has_more": has_more,
        "first_id": page[0].public_id if page else None,
        "last_id": page[-1].public_id if page else None,
    }
    return json_response(body, request_id)


@with_key_unlimited
async def show_model(request: Request, key: CachedKey, request_id: UUID) -> Response:
    """Answer GET /v1/models/{id}; ids may contain slashes."""
    services: GatewayServices = request.state.services
    model_id = request.path_params["model_id"]
    for model in _visible(services.catalogue.current, key):
        if model.public_id == model_id:
            return json_response(_described(model), request_id)
    raise ModelNotFound(model_id)


def _visible(catalogue: CatalogueSnapshot, key: CachedKey) -> list[ModelRow]:
    now = datetime.now(UTC)
    return [
        model
        for model in catalogue.models.values()
        if model.price_at(now) is not None
        and (not key.allowed_models or model.public_id in key.allowed_models)
    ]


def _stages(request: Request) -> list[str]:
    return [stage for name in _STAGE_PARAMETERS for stage in request.query_params.getlist(name)]


def _stage(model: ModelRow) -> str:
    return "active" if model.retires_at is None else "deprecated"


def _page(models: list[ModelRow], request: Request) -> tuple[list[ModelRow], bool]:
    """Return the page that `limit`, `after_id` and `before_id` select."""
    limit = _limit(request.query_params.get("limit"))
    ids = [model.public_id for model in models]
    start, end = 0, len(models)
    if (after := request.query_params.get("after_id")) in ids:
        start = ids.index(after) + 1
    if (before := request.query_params.get("before_id")) in ids:
        end = ids.index(before)
        start = max(start, end - limit)
        return models[start:end], start > 0
    return models[start : min(start + limit, end)], start + limit < end


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(MOST_PER_PAGE))
    if not is_number or not 1 <= int(text) <= MOST_PER_PAGE:
        raise InvalidRequest(f"Input should be between 1 and {MOST_PER_PAGE}", path="limit")
    return int(text)


def _described(model: ModelRow) -> dict[str, Any]:
    """Return the ModelInfo that SDKs read, with the price as an extension."""
    price = model.price_at(datetime.now(UTC))
    assert price is not None, "a model without a price in force is not visible"
    retirement = {} if model.retires_at is None else {"retires_at": _written(model.retires_at)}
    return {
        "id": model.public_id,
        "type": "model",
        "display_name": model.name,
        "created_at": _written(model.created_at),
        "lifecycle": _stage(model),
        **retirement,
        "max_input_tokens": model.context_tokens,
        "max_tokens": model.max_output_tokens,
        "capabilities": capabilities.described(model.capabilities),
        "credits_per_million_tokens": _prices(price),
        **_tool_prices(price),
    }


def _prices(price: Price) -> dict[str, int]:
    classes = price.per_token._asdict()
    if price.cache_write_1h == price.cache_write:
        del classes["cache_write_1h"]
    return classes


def _tool_prices(price: Price) -> dict[str, dict[str, int]]:
    """Return the prices of tools that the provider runs; nothing without one."""
    prices = price.per_1k_uses._asdict()
    known = {tool: credits for tool, credits in prices.items() if credits is not None}
    return {"credits_per_1000_uses": known} if known else {}


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
