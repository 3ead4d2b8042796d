"""Asks for five minutes instead of the hour that a cache is to be kept, where that has no price."""

from fnmatch import fnmatchcase
from typing import Any

import msgspec

from gateway.request.parse import MessagesRequest

_BETA = "extended-cache-ttl-*"
_PLACES = ("system", "tools", "messages", "cache_control")
# What a tool is called with, and what it takes, is the caller's own.
_NOT_OURS = ("input", "input_schema")


def for_five_minutes(
    request: MessagesRequest, beta: str | None
) -> tuple[MessagesRequest, str | None]:
    """The request without `ttl`, and its betas without the one that goes with it."""
    places = {name: _shortened(request.fields[name]) for name in _PLACES if name in request.fields}
    shorter = msgspec.structs.replace(request, fields=request.fields | places, has_hour=False)
    names = (beta or "").split(",")
    kept = [name for name in names if not fnmatchcase(name.strip(), _BETA)]
    return shorter, beta if len(kept) == len(names) else ",".join(kept).strip() or None


def _shortened(value: Any) -> Any:
    if isinstance(value, list):
        return [_shortened(part) for part in value]
    if not isinstance(value, dict):
        return value
    if value.get("ttl") == "1h" and value.get("type") == "ephemeral":
        return {name: part for name, part in value.items() if name != "ttl"}
    return {name: part if name in _NOT_OURS else _shortened(part) for name, part in value.items()}
