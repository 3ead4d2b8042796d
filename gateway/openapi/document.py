"""The complete OpenAPI 3.1 document."""

from gateway.errors import MethodNotAllowed, RouteNotFound
from gateway.openapi import error_answers, operations
from gateway.openapi.error_samples import DOCUMENTED_ERRORS
from gateway.openapi.json_schema import Schema
from gateway.openapi.schemas import answers, blocks, events, read_endpoints, receipts, requests

_ABOUT = """\
Hosted language models behind one endpoint, in the shape of the Messages API: clients made for that
work with this base URL and a key. Every answer states its cost in credits; 1 credit is 1/100,000 US
dollar.

Send the key in `Authorization: Bearer` or `x-api-key`; if both are present, `x-api-key` counts.
Every answer has a `request-id`. Query parameters that are not listed are ignored. Pages in browsers
may call from any origin.

## Errors

Every error has the same body; `error.details.error_code` identifies the error.

| status | `error.type` | `error_code` | |
| --- | --- | --- | --- |
"""
_TAGS = (
    ("Messages", "Ask models."),
    ("Models", "List models and their prices."),
    ("Account", "Read the balance, the usage and single calls."),
)


def document(*, server_url: str) -> Schema:
    """Return the document; `server_url` is the API's address without `/v1`."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Caicaini API", "version": "1", "description": _ABOUT + _error_table()},
        "servers": [{"url": server_url}],
        "security": [{"bearer": []}, {"x-api-key": []}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS],
        "paths": operations.paths(),
        "components": {
            "schemas": _schemas(),
            # Answers at addresses and methods that no path describes.
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
        **read_endpoints.SCHEMAS,
        **receipts.SCHEMAS,
        **error_answers.schemas(),
    }


def _error_table() -> str:
    return "".join(
        f"| {kind.status} | `{kind.type}` | `{kind.error_code}` | {when} |\n"
        for kind, when, _ in sorted(DOCUMENTED_ERRORS, key=lambda error: error.kind.status)
    )
