"""Builders for the parts of an operation: parameters, request body, responses."""

from collections.abc import Iterable
from typing import Any

from gateway.errors import GatewayError
from gateway.openapi import error_answers
from gateway.openapi.json_schema import Schema, ref


def operation(
    operation_id: str,
    group: str,
    summary: str,
    description: str,
    *,
    answer: Schema,
    errors: Iterable[type[GatewayError]],
    unchanged: Schema | None = None,
    **members: Any,
) -> Schema:
    """Return an operation; `errors` are those that it may answer with, `unchanged` is its 304."""
    not_modified = {"304": unchanged} if unchanged else {}
    return {
        "operationId": operation_id,
        "tags": [group],
        "summary": summary,
        "description": description,
        **members,
        "responses": {"200": answer, **not_modified, **error_answers.responses(errors)},
    }


def query(name: str, schema: Schema, description: str, **style: Any) -> Schema:
    """Return a query parameter."""
    return {"name": name, "in": "query", "description": description, "schema": schema, **style}


def json_body(schema: str, bodies: dict[str, dict[str, Any]], *, rules: tuple[str, ...]) -> Schema:
    """Return a request body; `rules` are those that a schema cannot express."""
    listed = "\n".join(f"- {rule}" for rule in rules)
    return {
        "required": True,
        "description": f"In addition to the schema:\n\n{listed}",
        "content": json_content(schema, bodies),
    }


def json_content(schema: str, values: dict[str, dict[str, Any]]) -> Schema:
    """Return content that is only JSON of this schema."""
    return {"application/json": content(schema, values)}


def content(schema: str, values: dict[str, Any]) -> Schema:
    """Return content of this schema; `values` are examples by summary."""
    named = {name.replace(" ", "-"): _example(name, value) for name, value in values.items()}
    return {"schema": ref(schema), "examples": named}


def _example(summary: str, value: Any) -> Schema:
    return {"summary": summary, "value": value}


def answer(description: str, headers: Schema, content: Schema, **more: Any) -> Schema:
    """Return a successful response."""
    return {"description": description, "headers": headers, "content": content, **more}
