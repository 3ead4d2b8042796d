"""Parts of an operation: its parameters, the body it takes, the answers it gives."""

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
    failures: Iterable[type[GatewayError]],
    **members: Any,
) -> Schema:
    """Return an operation; `failures` are the errors it may answer with."""
    return {
        "operationId": operation_id,
        "tags": [group],
        "summary": summary,
        "description": description,
        **members,
        "responses": {"200": answer, **error_answers.responses(failures)},
    }


def query(name: str, schema: Schema, description: str, **style: Any) -> Schema:
    """Return a parameter of the address."""
    return {"name": name, "in": "query", "description": description, "schema": schema, **style}


def json_body(schema: str, bodies: dict[str, dict[str, Any]], *, rules: tuple[str, ...]) -> Schema:
    """Return the body that an operation takes; `rules` are those that no schema can hold."""
    listed = "\n".join(f"- {rule}" for rule in rules)
    return {
        "required": True,
        "description": f"Beyond what the schema says:\n\n{listed}",
        "content": json_content(schema, bodies),
    }


def json_content(schema: str, values: dict[str, dict[str, Any]]) -> Schema:
    """Return JSON of this schema, and nothing else, as content."""
    return {"application/json": content(schema, values)}


def content(schema: str, values: dict[str, Any]) -> Schema:
    """Return content of this schema, with examples by their summaries."""
    named = {name.replace(" ", "-"): _example(name, value) for name, value in values.items()}
    return {"schema": ref(schema), "examples": named}


def _example(summary: str, value: Any) -> Schema:
    return {"summary": summary, "value": value}


def answer(description: str, named: Schema, content: Schema, **more: Any) -> Schema:
    """Return an answer that is a success."""
    return {"description": description, "headers": named, "content": content, **more}
