"""JSON objects from upstreams, some of which write invalid JSON."""

import json
from collections.abc import Callable
from typing import Any

import msgspec

from gateway.errors import UpstreamFailed

Repair = Callable[[Any], Any]


def decode_object(payload: bytes, repair: Repair | None = None) -> dict[str, Any]:
    """Raises UpstreamFailed for an HTML page, cut JSON, cut UTF-8 and other nonsense. `repair` is
    called only for JSON that the strict decoder rejects."""
    decoded = _decode(payload, repair)
    if not isinstance(decoded, dict):
        raise UpstreamFailed
    return decoded


def decode_error(payload: bytes) -> dict[str, Any]:
    """As `decode_object`; of a list, in which Gemini sends its errors, the first."""
    decoded = _decode(payload, None)
    if isinstance(decoded, list) and decoded:
        decoded = decoded[0]
    if not isinstance(decoded, dict):
        raise UpstreamFailed
    return decoded


def _decode(payload: bytes, repair: Repair | None) -> Any:
    try:
        return msgspec.json.decode(payload)
    except msgspec.DecodeError:
        return _decode_leniently(payload, repair)
    except (ValueError, RecursionError):
        raise UpstreamFailed from None


def _decode_leniently(payload: bytes, repair: Repair | None) -> Any:
    """A server that cuts its text by UTF-16 units sends a lone surrogate such as "\\ud83d", which
    UTF-8 cannot encode. One that cannot be repaired becomes a question mark."""
    try:
        decoded = json.loads(payload)
        text = json.dumps(repair(decoded) if repair else decoded, ensure_ascii=False)
        return msgspec.json.decode(text.encode("utf-8", "replace"))
    except (ValueError, msgspec.DecodeError, RecursionError):
        raise UpstreamFailed from None
