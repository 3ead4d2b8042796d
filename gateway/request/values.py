"""Checks of single JSON values. Each raises InvalidRequest with the value's path."""

from collections.abc import Sequence
from typing import Any

from gateway.errors import InvalidRequest

# JavaScript clients and many servers silently round larger integers.
MAX_INTEGER = 2**53 - 1


def field(parent: dict[str, Any], name: str, path: str) -> Any:
    """A required member of the object at `path`."""
    if name not in parent:
        raise InvalidRequest("Field required", path=f"{path}.{name}" if path else name)
    return parent[name]


def string(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise InvalidRequest("Input should be a valid string", path=path)
    return value


def non_empty_string(value: Any, path: str) -> str:
    text = string(value, path)
    if not text:
        raise InvalidRequest("String should have at least 1 character", path=path)
    return text


def recordable(value: Any, path: str) -> str:
    """Text that PostgreSQL can hold: without NUL, and encodable as UTF-8."""
    text = string(value, path)
    if "\0" in text:
        raise InvalidRequest("String should not contain a NUL character", path=path)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidRequest("String should be valid Unicode", path=path) from None
    return text


def boolean(value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidRequest("Input should be a valid boolean", path=path)
    return value


def integer(value: Any, path: str, *, low: int = 0, high: int = MAX_INTEGER) -> int:
    """An integer; some languages serialise 100 as 100.0."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    # bool is a subclass of int.
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidRequest("Input should be a valid integer", path=path)
    _check_bounds(value, path, low, high)
    return value


def number(value: Any, path: str, *, low: float, high: float) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise InvalidRequest("Input should be a valid number", path=path)
    _check_bounds(value, path, low, high)
    return value


def mapping(value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidRequest("Input should be an object", path=path)
    return value


def array(value: Any, path: str) -> list[Any]:
    if not isinstance(value, list):
        raise InvalidRequest("Input should be a valid array", path=path)
    return value


def one_of(value: Any, path: str, allowed: Sequence[str]) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise InvalidRequest(f"Input should be {_alternatives(allowed)}", path=path)
    return value


def _alternatives(names: Sequence[str]) -> str:
    """`'a', 'b' or 'c'`"""
    quoted = [f"'{name}'" for name in names]
    return " or ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]]))


def _check_bounds(value: float, path: str, low: float, high: float) -> None:
    if value < low:
        raise InvalidRequest(f"Input should be greater than or equal to {low}", path=path)
    if value > high:
        raise InvalidRequest(f"Input should be less than or equal to {high}", path=path)
