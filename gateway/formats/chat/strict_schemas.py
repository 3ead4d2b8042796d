"""Whether a JSON schema is one that servers can follow strictly.

OpenAI and others refuse `strict` for a schema in which an object leaves members open or optional,
and take it without `strict`.
"""

from typing import Any

_UNSUPPORTED = ("allOf", "oneOf", "not", "if", "patternProperties", "dependentSchemas")
_MOST_DEPTH = 50


def is_strict(schema: Any) -> bool:
    """For the whole schema, which must be of an object."""
    return isinstance(schema, dict) and "properties" in schema and _is_closed(schema, _MOST_DEPTH)


def _is_closed(schema: Any, depth: int) -> bool:
    if not isinstance(schema, dict) or not depth or any(name in schema for name in _UNSUPPORTED):
        return False
    properties = schema.get("properties")
    if properties is not None or _is_object(schema.get("type")):
        if not isinstance(properties, dict) or schema.get("additionalProperties") is not False:
            return False
        if set(properties) != set(schema.get("required") or ()):
            return False
    return all(_is_closed(part, depth - 1) for part in _parts(schema))


def _is_object(kind: Any) -> bool:
    return kind == "object" or (isinstance(kind, list) and "object" in kind)


def _parts(schema: dict[str, Any]) -> list[Any]:
    parts = list(schema.get("anyOf") or [])
    parts += [schema["items"]] if "items" in schema else []
    for name in ("properties", "$defs", "definitions"):
        value = schema.get(name)
        parts += value.values() if isinstance(value, dict) else []
    return parts
