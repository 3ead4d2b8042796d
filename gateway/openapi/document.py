"""The whole OpenAPI 3.1 document."""

from gateway.errors import MethodNotAllowed, RouteNotFound
from gateway.openapi import error_answers, operations
from gateway.openapi.error_samples import FAILURES
from gateway.openapi.json_schema import Schema
from gateway.openapi.schemas import answers, blocks, events, listings, requests

_ABOUT = """\
Hosted language models behind one endpoint, in the shape of the Messages API: clients made for that
work with this base URL and a key. Every answer says what it cost, in credits; 1 credit is 1/100,000
US dollar.

A key goes into `Authorization: Bearer` or `x-api-key`; if both come, `x-api-key` counts. Every
answer has a `request-id`. Query parameters that are not listed are passed over. Pages in browsers
may call from any origin.

## Errors

Every error has the same body, and `error.details.error_code` says which one it is.

| status | `error.type` | `error_code` | |
| --- | --- | --- | --- |
"""
_TAGS = (
    ("Messages", "Ask models."),
    ("Models", "What can be called."),
    ("Account", "What is left, and what was used."),
)


def document(*, server_url: str) -> Schema:
    """Return the document for the API at this address; it has no `/v1` at its end."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Caicaini API", "version": "1", "description": _ABOUT + _error_table()},
        "servers": [{"url": server_url}],
        "security": [{"bearer": []}, {"x-api-key": []}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS],
        "paths": operations.paths(),
        "components": {
            "schemas": _schemas(),
            # For addresses and methods that are not among the paths.
            "responses": {
                "RouteNotFound": error_answers.response(RouteNotFound),
                "MethodNotAllowed": error_answers.response(MethodNotAllowed),
            },
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A key, made at /developers/keys; it begins with `cai_api_`.",
                },
                "x-api-key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
        },
    }


def _schemas() -> dict[str, Schema]:
    return {
        **requests.SCHEMAS,
        **blocks.SCHEMAS,
        **answers.SCHEMAS,
        **events.SCHEMAS,
        **listings.SCHEMAS,
        **error_answers.schemas(),
    }


def _error_table() -> str:
    return "".join(
        f"| {failure.kind.status} | `{failure.kind.type}` | `{failure.kind.error_code}` "
        f"| {failure.when} |\n"
        for failure in sorted(FAILURES, key=lambda failure: failure.kind.status)
    )
