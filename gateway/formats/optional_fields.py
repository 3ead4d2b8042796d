"""Fields that an upstream has refused, and that a request can do without."""

from collections.abc import Collection
from typing import Any

# Of these names a caller knows what it sent; the others are of our own making.
_OF_CALLERS = ("temperature", "top_p", "top_k")
_LIMIT, _OTHER_LIMIT = "max_tokens", "max_completion_tokens"


def leave_out(body: dict[str, Any], refused: Collection[str]) -> tuple[str, ...]:
    """Take the refused fields out of a body; return those of them that the caller sent. The limit
    of the output moves to its other name."""
    left_out = [name for name in refused if name in body]
    for name in left_out:
        value = body.pop(name)
        if name == _LIMIT:
            body[_OTHER_LIMIT] = value
    return tuple(name for name in _OF_CALLERS if name in left_out)
