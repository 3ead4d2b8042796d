"""The served OpenAPI description, and assertions that an answer conforms to it."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs

from tests.support.callers import Answer, Event

Json = dict[str, Any]
_METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


class Description:
    """An OpenAPI document."""

    def __init__(self, document: Json) -> None:
        self.document = document

    @property
    def schemas(self) -> Json:
        """Its schemas, by name."""
        schemas: Json = self.document["components"]["schemas"]
        return schemas

    def operations(self) -> Iterator[tuple[str, str, Json]]:
        """Each method, path and operation."""
        for path, item in self.document["paths"].items():
            for method in _METHODS & item.keys():
                yield method.upper(), path, item[method]

    def operation(self, name: str) -> Json:
        """Return the operation of this id."""
        [operation] = [one for _, _, one in self.operations() if one["operationId"] == name]
        return operation

    def contents(self) -> Iterator[tuple[str, Json]]:
        """All content with a schema and examples: bodies of requests and of answers."""
        for _, _, operation in self.operations():
            name = operation["operationId"]
            for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
                yield f"{name} accepts {media_type}", content
            for status, response in operation["responses"].items():
                for media_type, content in response.get("content", {}).items():
                    yield f"{name} answers {status} {media_type}", content
        for name, response in self.document["components"]["responses"].items():
            yield name, response["content"]["application/json"]

    def assert_fits(self, value: Any, schema: Json) -> None:
        """Fail unless the value conforms to a schema of the document."""
        components = {"components": self.document["components"]}
        validator = jsonschema_rs.Draft202012Validator(schema | components, validate_formats=True)
        assert [str(error) for error in validator.iter_errors(value)] == []

    def assert_event_fits(self, event: Event) -> None:
        """Fail unless a stream's event and its data conform to the document."""
        sent = {"event": event.kind, "data": json.dumps(event.data)}
        self.assert_fits(sent, {"$ref": "#/components/schemas/StreamEvent"})
        [data] = [
            one["properties"]["data"]
            for one in self.schemas["StreamEvent"]["oneOf"]
            if one["properties"]["event"]["const"] == event.kind
        ]
        self.assert_fits(event.data, data["contentSchema"])

    def assert_answer_fits(self, answer: Answer, operation: str) -> None:
        """Fail unless status, headers, media type and body are described for the operation."""
        response = self.operation(operation)["responses"][str(answer.status)]
        self._assert_headers_fit(answer, response["headers"])
        media_type = answer.headers["content-type"].partition(";")[0]
        if media_type == "text/event-stream":
            for event in answer.transcript.events:
                self.assert_event_fits(event)
        else:
            self.assert_fits(answer.json(), response["content"][media_type]["schema"])

    def _assert_headers_fit(self, answer: Answer, described: Json) -> None:
        for name, header in described.items():
            text = answer.headers[name]
            assert text is not None or not header["required"], f"{name} is missing"
            if text is not None:
                is_number = header["schema"].get("type") == "integer"
                self.assert_fits(int(text) if is_number else text, header["schema"])
