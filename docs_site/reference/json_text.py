"""JSON for readers: an object or array that fits on a line stays on one. Pure."""

from typing import Any

import msgspec

_LONGEST_LINE = 72
_STEP = "  "


def written(value: Any, indent: str = "") -> str:
    """Return the text of a value; every line but the first begins with `indent`."""
    on_one_line = msgspec.json.format(msgspec.json.encode(value), indent=0).decode()
    is_long = len(indent) + len(on_one_line) > _LONGEST_LINE
    if isinstance(value, dict) and value and is_long:
        inner = [f"{_text(name)}: {written(one, indent + _STEP)}" for name, one in value.items()]
        return _block("{", inner, "}", indent)
    if isinstance(value, list) and value and is_long:
        return _block("[", [written(one, indent + _STEP) for one in value], "]", indent)
    return on_one_line


def _block(opening: str, inner: list[str], closing: str, indent: str) -> str:
    lines = f",\n{indent}{_STEP}".join(inner)
    return f"{opening}\n{indent}{_STEP}{lines}\n{indent}{closing}"


def _text(name: str) -> str:
    return msgspec.json.encode(name).decode()
