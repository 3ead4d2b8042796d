"""Words that the description is written in: small builders of JSON Schema."""

from collections.abc import Iterable, Mapping
from typing import Any

Schema = dict[str, Any]

BOOLEAN: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0}
FILLED: Schema = {"type": "string", "minLength": 1}
MOMENT: Schema = {"type": "string", "format": "date-time"}
OBJECT: Schema = {"type": "object"}
TEXT: Schema = {"type": "string"}


def ref(name: str, description: str = "") -> Schema:
    """Return a reference to a schema of the document."""
    reference = {"$ref": f"#/components/schemas/{name}"}
    return reference | {"description": description} if description else reference


def record(
    required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None, **more: Any
) -> Schema:
    """Return an object with these members; others may stand beside them."""
    members = {**required, **(optional or {})}
    return {"type": "object", "required": list(required), "properties": members} | more


def array(items: Schema, **more: Any) -> Schema:
    """Return a list of items."""
    return {"type": "array", "items": items} | more


def one_word(words: Iterable[str], **more: Any) -> Schema:
    """Return one of these words."""
    return {"type": "string", "enum": list(words)} | more


def tag(kind: str) -> Schema:
    """Return the `type` that tells an object from its siblings."""
    return {"type": "string", "const": kind}


def nullable(schema: Schema) -> Schema:
    """Return the schema, or null, which means the same as leaving the member out."""
    if "type" in schema and not schema.keys() & {"enum", "const"}:
        return schema | {"type": [schema["type"], "null"]}
    described = {name: schema[name] for name in ("description",) if name in schema}
    return {"anyOf": [schema, {"type": "null"}]} | described


def said(schema: Schema, description: str) -> Schema:
    """Return the schema with a description."""
    return schema | {"description": description}
