"""What is wrong with the JSON Schemas of a request, by the meta-schema of draft 2020-12.

The gateway takes any object for a schema and passes it on as it is: a model's own server may refuse
it, or not mind. So a fault found here is a warning, and the call can be made all the same.
"""

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any, NamedTuple
from urllib.parse import unquote

import jsonschema_rs

from gateway.request import tools
from gateway.request.parse import MessagesRequest

MOST_WARNINGS = 20
# The library recurses; the stack of a thread has room for this and more.
DEEPEST = 64
_TYPES = "array, boolean, integer, null, number, object, string"
_LONGEST_REASON = 200
# Below these keywords stands data, which may look like a schema.
_DATA = frozenset({"const", "default", "enum", "examples"})
# Below these, names of the schema's own stand: "type" may be one.
_OF_NAMES = (["properties"], ["patternProperties"], ["$defs"], ["dependentSchemas"])
_META_SCHEMA = jsonschema_rs.Draft202012Validator(
    {"$ref": "https://json-schema.org/draft/2020-12/schema"}, offline=True
)


class Warned(NamedTuple):
    """A fault, and the API's path of its place: tools.0.input_schema.properties.sku.type."""

    path: str
    reason: str


def schema_warnings(request: MessagesRequest) -> list[Warned]:
    """Return the first faults in the schemas of tools and of a structured answer."""
    faults = chain.from_iterable(_faults(*schema) for schema in _schemas(request.fields))
    return list(islice(faults, MOST_WARNINGS))


def _schemas(fields: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Yield path and schema, and whether it has to describe an object, as a tool's input does."""
    for index, tool in enumerate(fields.get("tools") or []):
        if tools.is_custom(tool):
            yield f"tools.{index}.input_schema", tool["input_schema"], True
    for path, output in (
        ("output_config.format.schema", (fields.get("output_config") or {}).get("format")),
        ("output_format.schema", fields.get("output_format")),
    ):
        if output:
            yield path, output["schema"], False


def _faults(path: str, schema: dict[str, Any], is_input: bool) -> Iterator[Warned]:
    if _is_too_deep(schema):
        yield Warned(path, f"Nested more than {DEEPEST} levels deep, and not checked for that")
        return
    if is_input and schema.get("type") != "object":
        yield Warned(f"{path}.type", 'A tool\'s input is an object: the type should be "object"')
    for error in _META_SCHEMA.iter_errors(schema):
        where = [str(step) for step in error.instance_path]
        yield Warned(".".join([path, *where]), _reason(error, where))
    for steps, reference in _references(schema):
        if not _is_found(reference, schema):
            yield Warned(".".join([path, *steps]), f'There is no "{reference}" in this schema')


def _is_too_deep(schema: dict[str, Any]) -> bool:
    level: list[Any] = [schema]
    for _ in range(DEEPEST):
        level = [inner for value in level for inner in _members(value)]
        if not level:
            return False
    return True


def _members(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _reason(error: jsonschema_rs.ValidationError, where: list[str]) -> str:
    """Return what is wrong in words. Of a type, the library says that no branch of `anyOf` fits."""
    if where[-1:] == ["type"] and where[-2:-1] not in _OF_NAMES:
        return f"Not one of the types {_TYPES}"
    reason = error.message
    return reason if len(reason) <= _LONGEST_REASON else f"{reason[: _LONGEST_REASON - 1]}…"


def _references(value: Any, where: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each reference into the schema itself, such as #/$defs/size, with its place."""
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for step, inner in members:
        if step == "$ref" and isinstance(inner, str) and inner.startswith("#/"):
            yield (*where, "$ref"), inner
        elif isinstance(inner, dict | list) and step not in _DATA:
            yield from _references(inner, (*where, str(step)))


def _is_found(reference: str, schema: dict[str, Any]) -> bool:
    """Follow a JSON Pointer (RFC 6901) in the fragment of a reference."""
    found: Any = schema
    for step in unquote(reference).removeprefix("#/").split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and name in found:
            found = found[name]
        elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        else:
            return False
    return True
