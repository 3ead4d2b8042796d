"""Small builders of JSON Schema."""

from collections.abc import Iterable, Mapping
from typing import Any

Schema = dict[str, Any]

BOOLEAN: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0}
NON_EMPTY: Schema = {"type": "string", "minLength": 1}
MOMENT: Schema = {"type": "string", "format": "date-time"}
OBJECT: Schema = {"type": "object"}
TEXT: Schema = {"type": "string"}


def ref(name: str, description: str = "") -> Schema:
    """Return a reference to a schema of the document."""
    reference = {"$ref": f"#/components/schemas/{name}"}
    return reference | {"description": description} if description else reference


def object_schema(
    required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None, **more: Any
) -> Schema:
    """Return an object with these members; other members are allowed."""
    members = {**required, **(optional or {})}
    return {"type": "object", "required": list(required), "properties": members} | more


def array(items: Schema, **more: Any) -> Schema:
    """Return an array of these items."""
    return {"type": "array", "items": items} | more


def enum(values: Iterable[str], **more: Any) -> Schema:
    """Return a string that is one of these."""
    return {"type": "string", "enum": list(values)} | more


def const(value: str) -> Schema:
    """Return exactly this string, such as the `type` that discriminates variants."""
    return {"type": "string", "const": value}


def nullable(schema: Schema) -> Schema:
    """Return the schema or null, which means that the member is not set."""
    if "type" in schema and not schema.keys() & {"enum", "const"}:
        return schema | {"type": [schema["type"], "null"]}
    description = {name: schema[name] for name in ("description",) if name in schema}
    return {"anyOf": [schema, {"type": "null"}]} | description


def described(schema: Schema, description: str) -> Schema:
    """Return the schema with a description."""
    return schema | {"description": description}
