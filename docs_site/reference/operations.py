"""One page for each operation of /v1."""

from collections.abc import Iterable
from typing import NamedTuple

from docs_site.openapi import document, trees
from docs_site.openapi.document import Operation, Schema
from docs_site.reference.json_text import written
from docs_site.source.page import Page
from docs_site.tables.errors import errors_by_status
from docs_site.tables.headers import short_names
from docs_site.tables.markdown_table import table
from gateway.openapi.error_samples import DOCUMENTED_ERRORS

_HEADERS = "/docs/reference/headers"


class _Place(NamedTuple):
    slug: str
    title: str
    sample: str


_PLACES = {
    "createMessage": _Place("messages", "Messages", "hello"),
    "countTokens": _Place("count-tokens", "Count tokens", "count-tokens"),
    "listModels": _Place("models", "Models", "list-models"),
    "getModel": _Place("model", "One model", "get-model"),
    "getCredits": _Place("credits", "Credits", "credits"),
    "getUsage": _Place("usage", "Usage", "usage"),
    "getRequest": _Place("request", "One call", "receipt"),
}


def pages() -> Iterable[Page]:
    """Return the pages, in the order of the OpenAPI document."""
    for number, operation in enumerate(document.operations()):
        place = _PLACES[operation.description["operationId"]]
        yield Page(
            slug=f"reference/{place.slug}",
            title=place.title,
            description=f"{operation.description['summary']}: "
            f"`{operation.method} {operation.path}`.",
            section="Reference",
            order=10 * (number + 1),
            updated=None,
            body="\n\n".join(_parts(operation, place)) + "\n",
        )


def _parts(operation: Operation, place: _Place) -> Iterable[str]:
    operation_id = operation.description["operationId"]
    yield f"```text\n{operation.method} {{{{ public_url }}}}{operation.path}\n```"
    yield operation.description["description"]
    yield f"## Example\n\n{{{{ sample {place.sample} }}}}\n\n{{{{ answer {place.sample} }}}}"
    yield _request_headers(operation)
    if any(one["in"] != "header" for one in operation.description.get("parameters", ())):
        yield f"## Parameters\n\n{{{{ fields {operation_id}.parameters }}}}"
    if operation.body is not None:
        yield f"## Body\n\n{_about(operation.body)}\n\n{{{{ fields {operation_id}.body }}}}"
        yield f"### Rules\n\n{operation.body['description']}"
    yield _answer(operation)
    if operation_id == "createMessage":
        yield _blocks()
    yield f"## Errors\n\n{_errors(operation)}"
    if operation.body is not None:
        yield "\n\n".join(["## Requests to copy", *_examples(operation.body)])


def _request_headers(operation: Operation) -> str:
    named = [one for one in operation.description.get("parameters", ()) if one["in"] == "header"]
    rows = [
        ("`authorization`", "yes", "`Bearer` and a key; or the key in `x-api-key`."),
        *((f"`{one['name']}`", "no", one["description"]) for one in named),
    ]
    heads = ("Name", "Required", "Meaning")
    return f"## Headers\n\n{table(heads, rows)}\n\nMore on [headers]({_HEADERS})."


def _about(body: Schema) -> str:
    reference = body["content"]["application/json"]["schema"]["$ref"]
    return f"JSON. {document.schemas()[reference.rpartition('/')[2]]['description']}"


def _answer(operation: Operation) -> str:
    described = operation.answer
    headers = ", ".join(f"`{name}`" for name in short_names(described["headers"]))
    parts = [
        f"## Answer\n\n{described['description']} Its headers: {headers} ([all]({_HEADERS})).",
        f"{{{{ fields {operation.description['operationId']}.answer }}}}",
        # The recorded answer above shows what a GET returns.
        *(_examples(described) if operation.body is not None else ()),
    ]
    if "text/event-stream" in described["content"]:
        parts.insert(1, "With `stream` it is a sequence of [events](/docs/reference/events).")
    return "\n\n".join(parts)


def _blocks() -> str:
    parts = ["## Content blocks\n\nWhat `content` and `system` of a request may hold."]
    for name in trees.BLOCKS:
        about = document.schemas()[name]["description"]
        parts.append(f"### {trees.title_of(name)}\n\n{about}\n\n{{{{ fields block.{name} }}}}")
    return "\n\n".join(parts)


def _errors(operation: Operation) -> str:
    names = {name for response in operation.errors.values() for name in _schemas_of(response)}
    kinds = [one.kind for one in DOCUMENTED_ERRORS if one.name in names]
    return errors_by_status(kinds)


def _schemas_of(response: Schema) -> Iterable[str]:
    schema = response["content"]["application/json"]["schema"]
    for one in schema.get("oneOf", [schema]):
        yield one["$ref"].rpartition("/")[2]


def _examples(described: Schema) -> Iterable[str]:
    for example in described["content"]["application/json"]["examples"].values():
        yield f"```json {example['summary']}\n{written(example['value'])}\n```"
