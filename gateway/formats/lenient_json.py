"""JSON objects from upstreams, of which some write JSON carelessly."""

import json
from collections.abc import Callable
from typing import Any

import msgspec

from gateway.errors import UpstreamFailed

Mend = Callable[[Any], Any]


def decode_object(payload: bytes, mend: Mend | None = None) -> dict[str, Any]:
    """Raises UpstreamFailed for an HTML page, cut JSON, cut UTF-8 and other nonsense. `mend` gets
    what was written carelessly, and nothing else."""
    try:
        decoded = msgspec.json.decode(payload)
    except msgspec.DecodeError:
        decoded = _decode_careless(payload, mend)
    except (ValueError, RecursionError):
        raise UpstreamFailed from None
    if not isinstance(decoded, dict):
        raise UpstreamFailed
    return decoded


def _decode_careless(payload: bytes, mend: Mend | None) -> Any:
    """A server that cuts its text by UTF-16 units sends half a character as "\\ud83d", which no
    UTF-8 can hold. What cannot be mended becomes a question mark."""
    try:
        decoded = json.loads(payload)
        text = json.dumps(mend(decoded) if mend else decoded, ensure_ascii=False)
        return msgspec.json.decode(text.encode("utf-8", "replace"))
    except (ValueError, msgspec.DecodeError, RecursionError):
        raise UpstreamFailed from None
