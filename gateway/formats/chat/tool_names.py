"""Tool names for upstreams that take at most 64 characters, and the way back."""

import hashlib

from gateway.request.parse import MessagesRequest

_MAX_CHARS = 64
_DIGEST_CHARS = 12


def shorten(name: str) -> str:
    """The same name for the same tool, always, so that upstreams' prompt caches hold."""
    if len(name) <= _MAX_CHARS:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST_CHARS]
    return f"{name[: _MAX_CHARS - _DIGEST_CHARS - 1]}_{digest}"


def originals(request: MessagesRequest) -> dict[str, str]:
    """The caller's names of the tools that `shorten` changes, by what it makes of them."""
    names = [str(tool.get("name")) for tool in request.fields.get("tools", [])]
    return {shorten(name): name for name in names if len(name) > _MAX_CHARS}
