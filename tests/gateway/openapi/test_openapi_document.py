"""/openapi.json is a valid and complete OpenAPI document."""

import json
import os
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from starlette.routing import Route

from gateway.app import app
from gateway.errors import GatewayError, UpstreamError
from gateway.openapi import examples
from tests.support import error_types, fuzzing
from tests.support.api_description import Description
from tests.support.callers import Answer, Caller, Event
from tests.support.gateways import NewCustomer, StartGateway
from tests.support.replies import answers, counts, event, events, message, streams
from tests.support.scripted_upstream import Exchange, Play, ScriptedUpstream
from tests.support.servers import WebServer


def fetch(server: WebServer, **headers: str) -> Answer:
    return Caller(server.url, None).get("/openapi.json", headers)


def test_it_is_a_valid_openapi_document(description: Description) -> None:
    assert description.document["openapi"].startswith("3.1")
    schemathesis.openapi.from_dict(description.document).validate()
    for name, schema in description.schemas.items():
        assert jsonschema_rs.meta.is_valid(schema), name


def test_every_reference_leads_somewhere(description: Description) -> None:
    references = set(_references(description.document))

    assert references
    for reference in references:
        at: Any = description.document
        for part in reference.removeprefix("#/").split("/"):
            at = at[part]


def test_every_schema_is_used(description: Description) -> None:
    used = {reference.rpartition("/")[2] for reference in _references(description.document)}

    assert set(description.schemas) - used == set()


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def test_it_describes_every_route(description: Description) -> None:
    routes = [route for route in app.routes if isinstance(route, Route)]
    served = {
        (method, route.path_format) for route in routes for method in (route.methods or set())
    }
    described = {(method, path) for method, path, _ in description.operations()}

    assert len(routes) == len(app.routes)
    assert described == {(method, path) for method, path in served if method != "HEAD"}


@pytest.mark.parametrize("kind", error_types.kinds(), ids=lambda kind: kind.__name__)
def test_every_error_is_described(description: Description, kind: type[GatewayError]) -> None:
    error = description.schemas[kind.__name__]["properties"]["error"]["properties"]

    assert error["type"]["const"] == kind.type
    assert error["details"]["properties"]["error_code"]["const"] == kind.error_code
    row = f"| {kind.status} | `{kind.type}` | `{kind.error_code}` |"
    assert row in description.document["info"]["description"]
    assert statuses_with(description, kind.__name__) <= {str(kind.status)}


def statuses_with(description: Description, name: str) -> set[str]:
    """Return the statuses of all responses with this schema."""
    return {
        status
        for _, _, operation in description.operations()
        for status, response in operation["responses"].items()
        if f"#/components/schemas/{name}" in _references(response)
    }


def test_errors_below_another_keep_its_status_and_code_unless_they_have_their_own() -> None:
    """Callers cannot distinguish them, so the description need not."""
    kinds = error_types.kinds()
    for kind in kinds:
        for subclass in set(kind.__subclasses__()) - set(kinds):
            assert (subclass.status, subclass.type, subclass.error_code) == (
                kind.status,
                kind.type,
                kind.error_code,
            )
    assert UpstreamError not in error_types.kinds()


def test_examples_fit_their_schemas(description: Description) -> None:
    several = dict(description.contents())

    assert several
    for place, content in several.items():
        assert content["examples"], place
        for example in content["examples"].values():
            description.assert_fits(example["value"], content["schema"])


def test_the_example_of_a_stream_is_one_whole_stream(description: Description) -> None:
    for sent in examples.STREAM:
        description.assert_event_fits(Event(sent["event"], json.loads(sent["data"])))


def test_it_is_public_and_cacheable(gateway: WebServer) -> None:
    answer = fetch(gateway)

    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "max-age=" in answer.headers["cache-control"]
    assert "public" in answer.headers["cache-control"]
    assert "set-cookie" not in answer.headers
    again = fetch(gateway, **{"if-none-match": answer.headers["etag"]})
    assert (again.status, again.body) == (304, b"")


def test_it_names_the_address_of_the_api(start_gateway: StartGateway) -> None:
    server = start_gateway(PUBLIC_URL="https://caicaini.example", ALLOWED_HOSTS="127.0.0.1")

    assert fetch(server).json()["servers"] == [{"url": "https://caicaini.example"}]


def varied() -> Play:
    """Alternate between text, thinking and tool calls, streamed if requested."""
    call = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": "it"}}
    thought = {"type": "thinking", "thinking": "Well …", "signature": "c2ln"}
    complete = [
        answers(message()),
        answers(message(content=[thought, call], stop_reason="tool_use")),
        answers(message(content=[], stop_reason="max_tokens")),
        answers(message(content=[{"type": "redacted_thinking", "data": "x"}])),
    ]
    tool_stream = [
        events()[0],
        event("content_block_start", index=0, content_block=call | {"input": {}}),
        event(
            "content_block_delta",
            index=0,
            delta={"type": "input_json_delta", "partial_json": '{"at": "it"}'},
        ),
        *events()[-3:],
    ]
    streamed = [streams(*events()), streams(*tool_stream)]
    number = 0

    async def play(exchange: Exchange) -> None:
        nonlocal number
        number += 1
        plays = streamed if exchange.wants_stream else complete
        await plays[number % len(plays)](exchange)

    return play


def test_schemathesis_finds_nothing_undescribed(
    new_customer: NewCustomer, upstream: ScriptedUpstream
) -> None:
    customer = new_customer(credits=10**12)
    script = upstream.script(varied(), counting=counts(5))
    examples_each = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "15"))

    findings = fuzzing.fuzz(
        url=customer.url,
        token=customer.token,
        model="scripted/messages",
        mark=script.prompt,
        examples=examples_each,
        seed=int(os.environ.get("SCHEMATHESIS_SEED", "20261122")),
        is_thorough="SCHEMATHESIS_EXAMPLES" in os.environ,
    )

    assert not findings.violations, "\n\n".join(findings.violations)
    assert len(script.requests) > 100
    assert findings.answers["POST /v1/messages"].keys() >= {200, 400, 401, 405}


def test_every_field_says_what_it_is(description: Description) -> None:
    """The reference pages show these texts; a `type` with a single value speaks for itself."""
    silent = [
        place
        for name, schema in description.schemas.items()
        for place in _without_description(schema, name, description.schemas)
        if name not in ERROR_NAMES
    ]

    assert silent == []


def test_every_header_and_parameter_says_what_it_is(description: Description) -> None:
    for _, _, operation in description.operations():
        headers = [
            header
            for response in operation["responses"].values()
            for header in response["headers"].values()
        ]
        for one in [*headers, *operation.get("parameters", [])]:
            assert one["description"], operation["operationId"]


ERROR_NAMES = {kind.__name__ for kind in error_types.kinds()}


def _without_description(schema: Any, place: str, schemas: dict[str, Any]) -> Iterator[str]:
    """Yield the places of fields that are described neither here nor where they refer to."""
    if not isinstance(schema, dict):
        return
    for name, field in schema.get("properties", {}).items():
        if "const" not in field and not _is_described(field, schemas):
            yield f"{place}.{name}"
        yield from _without_description(field, f"{place}.{name}", schemas)
    for choice in [*schema.get("oneOf", []), *schema.get("anyOf", []), schema.get("items")]:
        yield from _without_description(choice, place, schemas)


def _is_described(field: dict[str, Any], schemas: dict[str, Any]) -> bool:
    if "$ref" in field:
        target = schemas[field["$ref"].rpartition("/")[2]]
        return "description" in field or _is_described(target, schemas)
    choices = [one for one in field.get("anyOf", []) if one.get("type") != "null"]
    is_optional = len(choices) == 1 and _is_described(choices[0], schemas)
    return "description" in field or is_optional
