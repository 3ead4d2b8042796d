"""From JSON Schema to a tree of fields, as the reference pages show it. Pure.

A field's path is unique on its page and becomes its anchor. `[]` follows an array, `[user]` one
kind of its elements, `:base64` one kind of an object:

    output_config.format.schema      messages[user].content      source:base64.media_type
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

Schema = dict[str, Any]

_DISCRIMINATORS = ("type", "role", "event")
_LARGEST_INTEGER = 2**53 - 1
_MOST_IN_TITLE = 3
_FORMATS = {"date-time": "RFC 3339 time"}


class Field(NamedTuple):
    """A field and what is inside it; texts are inline Markdown."""

    path: str
    name: str
    type: str
    is_required: bool
    default: str
    facts: tuple[str, ...]
    description: str
    content: "Content"


class Variant(NamedTuple):
    """One kind of an object that has several."""

    title: str
    description: str
    fields: tuple[Field, ...]


class Content(NamedTuple):
    """What is inside a field: fields, or kinds with fields of their own."""

    fields: tuple[Field, ...] = ()
    variants: tuple[Variant, ...] = ()

    def walk(self) -> Iterable[Field]:
        """Yield every field, each before those inside it."""
        for field in (*self.fields, *(one for kind in self.variants for one in kind.fields)):
            yield field
            yield from field.content.walk()


class _Shape(NamedTuple):
    type: str
    facts: tuple[str, ...] = ()
    content: Content = Content()


class FieldTree:
    """Builds trees from the schemas of one document.

    `links` maps the names of schemas that are described elsewhere to Markdown links.
    """

    def __init__(self, schemas: Mapping[str, Schema], links: Mapping[str, str]) -> None:
        self._schemas = schemas
        self._links = links

    def of(self, schema: Schema, *, path: str = "") -> Content:
        """Return what is inside a schema; `path` precedes the paths of its fields."""
        return self._shape(schema, path).content

    def field(self, name: str, schema: Schema, *, path: str, is_required: bool) -> Field:
        """Return a field with everything inside it."""
        shape = self._shape(schema, path)
        may_be_null = is_required and _is_nullable(self._target(schema))
        return Field(
            path=path,
            name=name,
            type=f"{shape.type} or null" if may_be_null else shape.type,
            is_required=is_required,
            default=_default(self._target(schema)),
            facts=shape.facts,
            description=self._description(schema),
            content=shape.content,
        )

    def _shape(self, schema: Schema, path: str) -> _Shape:
        if (name := _name_of(schema)) in self._links:
            return _Shape(self._links[name])
        schema = self._target(schema)
        if choices := _choices(schema):
            return self._choice(choices, path)
        if schema.get("type") == "array" or "array" in _types(schema):
            return self._array(schema, path)
        if "properties" in schema:
            return _Shape("object", (), Content(self._fields(schema, path)))
        return _Shape(_type_text(schema), _facts(schema))

    def _array(self, schema: Schema, path: str) -> _Shape:
        element = self._shape(schema.get("items", {}), f"{path}[]")
        facts = _range("item", schema.get("minItems"), schema.get("maxItems"))
        of_each = (f"each {fact}" for fact in element.facts)
        return _Shape(f"array of {element.type}", (*facts, *of_each), element.content)

    def _choice(self, choices: list[Schema], path: str) -> _Shape:
        """A single choice is the schema itself; several are joined, objects as variants."""
        if len(choices) == 1:
            return self._shape(choices[0], path)
        objects = [one for one in choices if self._is_object(one)]
        others = [self._shape(one, path) for one in choices if one not in objects]
        variants = tuple(self._variant(one, path) for one in objects)
        inner = [shape.content for shape in others]
        content = Content(
            tuple(field for one in inner for field in one.fields),
            (*variants, *(variant for one in inner for variant in one.variants)),
        )
        kinds = ["another object" if others else "object"] if objects else []
        names = dict.fromkeys([shape.type for shape in others] + kinds)
        facts = dict.fromkeys(fact for shape in others for fact in shape.facts)
        return _Shape(_joined(list(names)), tuple(facts), content)

    def _is_object(self, schema: Schema) -> bool:
        return _name_of(schema) not in self._links and "properties" in self._target(schema)

    def _variant(self, schema: Schema, path: str) -> Variant:
        schema = self._target(schema)
        value, title = _kind(schema)
        kind_path = f"{path[:-2]}[{value}]" if path.endswith("[]") else f"{path}:{value}"
        return Variant(title, schema.get("description", ""), self._fields(schema, kind_path))

    def _fields(self, schema: Schema, path: str) -> tuple[Field, ...]:
        required = schema.get("required", ())
        return tuple(
            self.field(
                name,
                one,
                path=f"{path}.{name}" if path else name,
                is_required=name in required,
            )
            for name, one in schema["properties"].items()
        )

    def _target(self, schema: Schema) -> Schema:
        """Return what a reference refers to, with the reference's own description."""
        name = _name_of(schema)
        if not name:
            return schema
        own = {key: value for key, value in schema.items() if key != "$ref"}
        return {**self._target(self._schemas[name]), **own}

    def _description(self, schema: Schema) -> str:
        if text := self._target(schema).get("description"):
            return str(text)
        choices = _choices(self._target(schema))
        return self._description(choices[0]) if len(choices) == 1 else ""


def _name_of(schema: Schema) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _choices(schema: Schema) -> list[Schema]:
    """Return the alternatives but null, which means that a field is not set."""
    several = schema.get("oneOf") or schema.get("anyOf") or []
    return [one for one in several if one.get("type") != "null"]


def _is_nullable(schema: Schema) -> bool:
    types = schema.get("type", ())
    is_choice = any(one.get("type") == "null" for one in schema.get("anyOf", ()))
    return is_choice or (not isinstance(types, str) and "null" in types)


def _types(schema: Schema) -> list[str]:
    found = schema.get("type", [])
    return [found] if isinstance(found, str) else [one for one in found if one != "null"]


def _kind(schema: Schema) -> tuple[str, str]:
    """Return the value that tells a variant from the others, and its title."""
    fields = schema["properties"]
    name = next(one for one in _DISCRIMINATORS if one in fields)
    if "const" in fields[name]:
        return fields[name]["const"], f"`{fields[name]['const']}`"
    if "enum" in fields[name]:
        values = [f"`{one}`" for one in fields[name]["enum"] if one is not None]
        listed = _joined(values) if len(values) <= _MOST_IN_TITLE else f"{values[0]} and others"
        return values[0].strip("`"), listed
    return "other", f"any other `{name}`"


def _type_text(schema: Schema) -> str:
    if "const" in schema:
        return "string" if isinstance(schema["const"], str) else "integer"
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    if "additionalProperties" in schema:
        return f"object of {_type_text(schema['additionalProperties'])}"
    if "enum" in schema:
        return "string"
    return _joined(_types(schema)) or ("null" if schema.get("type") == "null" else "anything")


def _facts(schema: Schema) -> tuple[str, ...]:
    """Return what narrows a value down: its values, bounds, length and pattern."""
    if "const" in schema:
        return (f"always `{schema['const']}`",)
    if "enum" in schema:
        return (_joined([f"`{value}`" for value in schema["enum"] if value is not None]),)
    pattern = (f"matches `{schema['pattern']}`",) if "pattern" in schema else ()
    return (
        *_bounds(schema.get("minimum"), schema.get("maximum")),
        *_range("character", schema.get("minLength"), schema.get("maxLength")),
        *pattern,
    )


def _bounds(low: float | None, high: float | None) -> tuple[str, ...]:
    if low is None or high is None:
        return ()  # a count: that it is not negative goes without saying
    return (f"{low} to {'2^53 - 1' if high == _LARGEST_INTEGER else f'{high:,}'}",)


def _range(unit: str, low: int | None, high: int | None) -> tuple[str, ...]:
    if low and high:
        return (f"{low:,} to {high:,} {unit}s",)
    if high == 0:
        return (f"no {unit}s",)
    if low:
        return (f"at least {low:,} {unit}{'s' if low > 1 else ''}",)
    return (f"at most {high:,} {unit}s",) if high else ()


def _default(schema: Schema) -> str:
    if "default" not in schema:
        return ""
    value = schema["default"]
    return str(value).lower() if isinstance(value, bool) else str(value)


def _joined(names: list[str]) -> str:
    return " or ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)
