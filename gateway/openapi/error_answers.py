"""Error responses: their bodies, headers and examples, derived from sample errors."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from gateway import errors
from gateway.errors import GatewayError
from gateway.openapi import headers
from gateway.openapi.error_samples import DOCUMENTED_ERRORS, DocumentedError
from gateway.openapi.examples import REQUEST_ID
from gateway.openapi.json_schema import (
    COUNT,
    TEXT,
    Schema,
    const,
    described,
    enum,
    object_schema,
    ref,
)

_TYPE = "The kind of error, as all clients of the Messages API know it."
_MESSAGE = "For people. It may change: programs read `details.error_code`."
_CODE = "Identifies the error."
_DETAILS = "For programs. `out_of_credits` and `credits_held` add the credits."
# What a call can end with once its workspace's wallet was read.
_AFTER_THE_WALLET = (
    errors.OutOfCredits,
    errors.CreditsHeld,
    errors.PermissionDenied,
    errors.InternalFailure,
    errors.ShuttingDown,
    errors.UpstreamError,
)
_BY_KIND = {documented.kind: documented for documented in DOCUMENTED_ERRORS}


def schemas() -> dict[str, Schema]:
    """Return the schema of all errors, and that of each kind."""
    types = sorted({kind.type for kind in _BY_KIND})
    codes = sorted({str(kind.error_code) for kind in _BY_KIND})
    error = object_schema(
        {"type": enum(types, description=_TYPE), "message": described(TEXT, _MESSAGE)},
        {
            "details": object_schema(
                {"error_code": enum(codes, description=_CODE)}, description=_DETAILS
            )
        },
        description="What happened.",
    )
    return {
        "RequestId": {
            "type": "string",
            "pattern": "^req_[0-9a-f]{32}$",
            "description": "The id of the call, as in the header `request-id`.",
        },
        "Error": _envelope(error, description="The body of every error."),
        **{documented.name: _schema(documented) for documented in DOCUMENTED_ERRORS},
    }


def responses(kinds: Iterable[type[GatewayError]]) -> dict[str, Schema]:
    """Return the responses for these errors, by status."""
    by_status: dict[int, list[DocumentedError]] = {}
    for kind in kinds:
        by_status.setdefault(kind.status, []).append(_BY_KIND[kind])
    return {str(status): _response(by_status[status]) for status in sorted(by_status)}


def response(kind: type[GatewayError]) -> Schema:
    """Return the response for one error."""
    return _response([_BY_KIND[kind]])


def _response(documented: list[DocumentedError]) -> Schema:
    samples = [sample for error in documented for sample in error.samples]
    schemas = [ref(error.name) for error in documented]
    required, optional = _required_and_optional([sample.headers() for sample in samples])
    if any(issubclass(error.kind, _AFTER_THE_WALLET) for error in documented):
        optional.append("caicaini-credits-remaining")
    return {
        "description": " ".join(error.when for error in documented),
        "headers": headers.documented(required, optional),
        "content": {
            "application/json": {
                "schema": schemas[0] if len(schemas) == 1 else {"oneOf": schemas},
                "examples": dict(_examples(documented)),
            }
        },
    }


def _examples(documented: list[DocumentedError]) -> Iterable[tuple[str, Schema]]:
    for error in documented:
        for number, sample in enumerate(error.samples, start=1):
            name = error.name if number == 1 else f"{error.name}{number}"
            body = msgspec.json.decode(sample.body(REQUEST_ID))
            yield name, {"summary": sample.message, "value": body}


def _schema(documented: DocumentedError) -> Schema:
    required, optional = _required_and_optional([sample.details() for sample in documented.samples])
    code = {"error_code": const(str(documented.kind.error_code))}
    details = object_schema(dict.fromkeys(required, COUNT) | code, dict.fromkeys(optional, COUNT))
    error = object_schema(
        {"type": const(documented.kind.type), "message": TEXT, "details": details}
    )
    return _envelope(error, description=documented.when)


def _envelope(error: Schema, *, description: str) -> Schema:
    members = {"type": const("error"), "error": error, "request_id": ref("RequestId")}
    return object_schema(members, description=description)


def _required_and_optional(samples: list[Mapping[str, Any]]) -> tuple[list[str], list[str]]:
    """Return the names that all samples have, and those that only some have, in their order."""
    names = dict.fromkeys(name for sample in samples for name in sample)
    required = [name for name in names if all(name in sample for sample in samples)]
    return required, [name for name in names if name not in required]
