"""Shortens tool names for upstreams that accept at most 64 characters, and restores them."""

import hashlib

from gateway.request.parse import MessagesRequest

_MAX_CHARS = 64
_DIGEST_CHARS = 12


def shorten(name: str) -> str:
    """Deterministic, so that upstreams' prompt caches stay valid."""
    if len(name) <= _MAX_CHARS:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST_CHARS]
    return f"{name[: _MAX_CHARS - _DIGEST_CHARS - 1]}_{digest}"


def originals(request: MessagesRequest) -> dict[str, str]:
    """Maps each shortened name back to the caller's."""
    names = [str(tool.get("name")) for tool in request.fields.get("tools", [])]
    return {shorten(name): name for name in names if len(name) > _MAX_CHARS}
