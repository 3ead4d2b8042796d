"""The OpenAPI document of this process, and lookups in it. Built once: nothing in it changes."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from django.conf import settings

from gateway.openapi.document import document

Schema = dict[str, Any]


class Operation(NamedTuple):
    """A method of an address, with its description."""

    method: str
    path: str
    description: Schema

    @property
    def body(self) -> Schema | None:
        """The request body's description, if it has one."""
        return self.description.get("requestBody")

    @property
    def answer(self) -> Schema:
        """The description of the successful response."""
        success: Schema = self.description["responses"]["200"]
        return success

    @property
    def errors(self) -> dict[str, Schema]:
        """The descriptions of the error responses, by status."""
        responses: dict[str, Schema] = self.description["responses"]
        return {status: one for status, one in responses.items() if status >= "400"}


@lru_cache(maxsize=1)
def whole() -> Schema:
    """Return the document."""
    return document(server_url=settings.PUBLIC_URL)


def schemas() -> dict[str, Schema]:
    """Return its schemas by name."""
    found: dict[str, Schema] = whole()["components"]["schemas"]
    return found


def operations() -> Iterator[Operation]:
    """Yield every operation."""
    for path, methods in whole()["paths"].items():
        for method, description in methods.items():
            yield Operation(method.upper(), path, description)


def operation(operation_id: str) -> Operation:
    """Return the operation of this id; raise LookupError."""
    for one in operations():
        if one.description["operationId"] == operation_id:
            return one
    raise LookupError(f"no operation “{operation_id}”")


def events() -> dict[str, Schema]:
    """Return the schema of each event's data, by the event's name."""
    return {
        one["properties"]["event"]["const"]: one["properties"]["data"]["contentSchema"]
        for one in schemas()["StreamEvent"]["oneOf"]
    }
