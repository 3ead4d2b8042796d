"""Whether a JSON schema is one that servers can follow strictly.

OpenAI and others refuse `strict` for a schema in which an object leaves members open or optional,
and for keywords, formats and sizes beyond their subset; they take it without `strict`. The subset
is that of OpenAI's page "Structured model outputs", less what its servers are seen to refuse
(`default`, `minLength`, `maxLength`).
"""

from collections.abc import Container, Iterator
from typing import Any, NamedTuple

_KEYWORDS = frozenset(
    {
        *("type", "properties", "required", "additionalProperties", "items", "anyOf", "enum"),
        *("const", "$ref", "$defs", "definitions", "pattern", "format", "multipleOf", "minimum"),
        *("maximum", "exclusiveMinimum", "exclusiveMaximum", "minItems", "maxItems"),
        *("title", "description", "$schema", "$id", "$comment"),
    }
)
_FORMATS = frozenset(
    {
        *("date-time", "time", "date", "duration"),
        *("email", "hostname", "ipv4", "ipv6", "uuid"),
    }
)
_MOST_LEVELS = 10  # of objects within objects
_MOST_PROPERTIES = 5_000
_MOST_VALUES = 1_000  # of all enumerations


class _Part(NamedTuple):
    """A schema within the schema, and in how many objects it stands."""

    schema: Any
    level: int


def is_strict(schema: Any) -> bool:
    """For the whole schema, which must be of an object."""
    if not isinstance(schema, dict) or "properties" not in schema or "anyOf" in schema:
        return False
    properties = values = 0
    for part in _parts(schema):
        if part.level > _MOST_LEVELS or not _is_supported(part.schema):
            return False
        properties += len(part.schema.get("properties") or ())
        values += len(part.schema.get("enum", ()))
        if properties > _MOST_PROPERTIES or values > _MOST_VALUES:
            return False
    return True


def _is_supported(schema: Any) -> bool:
    """For one part, without those in it."""
    if not isinstance(schema, dict) or not schema.keys() <= _KEYWORDS:
        return False
    if "format" in schema and not _is_one_of(schema["format"], _FORMATS):
        return False
    if not all(isinstance(schema.get(name, []), list) for name in ("enum", "anyOf", "required")):
        return False
    properties = schema.get("properties")
    if properties is None and not _is_object(schema.get("type")):
        return True
    return (
        isinstance(properties, dict)
        and schema.get("additionalProperties") is False
        and all(_is_one_of(name, properties) for name in schema.get("required", []))
        and len(set(schema.get("required", []))) == len(properties)
    )


def _is_object(kind: Any) -> bool:
    return kind == "object" or (isinstance(kind, list) and "object" in kind)


def _is_one_of(name: Any, names: Container[str]) -> bool:
    return isinstance(name, str) and name in names


def _parts(schema: dict[str, Any]) -> Iterator[_Part]:
    """All parts, each before those in it; of one that is not supported none are asked for."""
    waiting = [_Part(schema, 1)]
    while waiting:
        part = waiting.pop()
        yield part
        level = part.level + ("properties" in part.schema)
        waiting += [_Part(inner, level) for inner in _inner(part.schema)]


def _inner(schema: dict[str, Any]) -> list[Any]:
    inner = list(schema.get("anyOf", []))
    inner += [schema["items"]] if "items" in schema else []
    for name in ("properties", "$defs", "definitions"):
        value = schema.get(name)
        inner += value.values() if isinstance(value, dict) else []
    return inner
