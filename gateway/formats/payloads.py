"""JSON objects from upstreams, of which some write JSON carelessly."""

import json
from typing import Any

import msgspec

from gateway.errors import UpstreamFailed


def decode_object(payload: bytes) -> dict[str, Any]:
    """Raises UpstreamFailed for an HTML page, cut JSON, cut UTF-8 and other nonsense."""
    try:
        decoded = _decode(payload)
    except (ValueError, msgspec.DecodeError, RecursionError):
        raise UpstreamFailed from None
    if not isinstance(decoded, dict):
        raise UpstreamFailed
    return decoded


def _decode(payload: bytes) -> Any:
    try:
        return msgspec.json.decode(payload)
    except msgspec.DecodeError:
        # A server that cuts its text by UTF-16 units sends half a character as "\ud83d", which
        # no UTF-8 can hold. It becomes a question mark.
        text = json.dumps(json.loads(payload), ensure_ascii=False)
        return msgspec.json.decode(text.encode("utf-8", "replace"))
