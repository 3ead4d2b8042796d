"""JSON Schema becomes a tree of fields with types, bounds and unique paths."""

from typing import Any

import pytest

from docs_site.openapi.fields import Field, FieldTree

SCHEMAS: dict[str, Any] = {
    "Named": {"type": "object", "description": "A thing.", "properties": {"a": {"type": "string"}}},
    "Linked": {"type": "object", "properties": {"b": {"type": "string"}}},
}
TREE = FieldTree(SCHEMAS, {"Linked": "[linked](/elsewhere)"})


def field(schema: dict[str, Any], *, is_required: bool = False) -> Field:
    return TREE.field("name", schema, path="name", is_required=is_required)


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def kind(name: str, value: str, **members: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {name: {"const": value}, **members}}


@pytest.mark.parametrize(
    ("schema", "type", "facts"),
    [
        ({"type": "string"}, "string", ()),
        ({"type": "string", "const": "x"}, "string", ("always `x`",)),
        ({"type": "integer", "const": 7}, "integer", ("always `7`",)),
        ({"enum": ["a", "b", None]}, "string", ("`a` or `b`",)),
        ({"type": "string", "minLength": 1}, "string", ("at least 1 character",)),
        ({"type": "string", "minLength": 2, "maxLength": 9}, "string", ("2 to 9 characters",)),
        ({"type": "string", "maxLength": 9}, "string", ("at most 9 characters",)),
        ({"type": "string", "pattern": "^a|b$"}, "string", ("matches `^a|b$`",)),
        ({"type": "string", "format": "date-time"}, "RFC 3339 time", ()),
        ({"type": "number", "minimum": 0, "maximum": 1}, "number", ("0 to 1",)),
        ({"type": "integer", "minimum": 0, "maximum": 2**53 - 1}, "integer", ("0 to 2^53 - 1",)),
        ({"type": "integer", "minimum": 0}, "integer", ()),
        ({"type": ["boolean", "null"]}, "boolean", ()),
        ({"type": "null"}, "null", ()),
        ({}, "anything", ()),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "object of integer", ()),
        ({"type": "array", "items": {}, "maxItems": 0}, "array of anything", ("no items",)),
        (
            {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 2},
            "array of string",
            ("at least 2 items", "each at least 1 character"),
        ),
        (ref("Linked"), "[linked](/elsewhere)", ()),
        ({"oneOf": [{"type": "string"}, ref("Linked")]}, "string or [linked](/elsewhere)", ()),
    ],
)
def test_types_and_facts(schema: dict[str, Any], type: str, facts: tuple[str, ...]) -> None:
    assert (field(schema).type, field(schema).facts) == (type, facts)


def test_null_is_named_where_the_field_is_always_present() -> None:
    for schema in ({"type": ["string", "null"]}, {"anyOf": [{"type": "string"}, {"type": "null"}]}):
        assert field(schema, is_required=True).type == "string or null"
        assert field(schema).type == "string"


def test_a_description_beside_a_reference_wins() -> None:
    assert field(ref("Named")).description == "A thing."
    assert field(ref("Named") | {"description": "Mine."}).description == "Mine."
    assert field({"anyOf": [ref("Named"), {"type": "null"}]}).description == "A thing."


def test_a_default_is_written_as_json() -> None:
    assert field({"type": "boolean", "default": False}).default == "false"
    assert field({"type": "integer", "default": 20}).default == "20"


def test_kinds_of_an_object_have_paths_of_their_own() -> None:
    schema = {"oneOf": [kind("type", "a", x={}), kind("type", "b", x={})]}

    alone = field(schema)
    in_array = field({"type": "array", "items": schema})

    assert [one.path for one in alone.content.walk()] == [
        "name:a.type",
        "name:a.x",
        "name:b.type",
        "name:b.x",
    ]
    assert [one.path for one in in_array.content.walk()][:2] == ["name[a].type", "name[a].x"]
    assert [one.title for one in alone.content.variants] == ["`a`", "`b`"]


def test_a_text_or_blocks_shows_what_is_in_the_blocks() -> None:
    blocks = {"type": "array", "items": {"oneOf": [ref("Linked"), kind("type", "other", x={})]}}

    found = field({"oneOf": [{"type": "string"}, blocks]})

    assert found.type == "string or array of [linked](/elsewhere) or another object"
    assert [one.path for one in found.content.walk()] == ["name[other].type", "name[other].x"]


def test_many_kinds_under_one_schema_share_a_short_title() -> None:
    several = {"type": "object", "properties": {"type": {"enum": ["a", "b", "c", "d"]}}}

    [variant] = field({"oneOf": [several, ref("Linked")]}).content.variants

    assert variant.title == "`a` and others"
