"""Answers that are errors: their bodies, headers and examples, read off the errors themselves."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from gateway.errors import GatewayError
from gateway.openapi import headers
from gateway.openapi.error_samples import FAILURES, Failure
from gateway.openapi.examples import REQUEST_ID
from gateway.openapi.json_schema import COUNT, TEXT, Schema, one_word, record, ref, tag

_BY_KIND = {failure.kind: failure for failure in FAILURES}


def schemas() -> dict[str, Schema]:
    """Return the shape of all errors, and that of each kind."""
    types = sorted({failure.kind.type for failure in FAILURES})
    codes = sorted({str(failure.kind.error_code) for failure in FAILURES})
    error = record(
        {"type": one_word(types), "message": TEXT},
        {"details": record({"error_code": one_word(codes)})},
    )
    return {
        "RequestId": {"type": "string", "pattern": "^req_[0-9a-f]{32}$"},
        "Error": _envelope(error, description="The body of every answer that is no success."),
        **{failure.name: _schema(failure) for failure in FAILURES},
    }


def responses(kinds: Iterable[type[GatewayError]]) -> dict[str, Schema]:
    """Return the answers for these errors, by status."""
    by_status: dict[int, list[Failure]] = {}
    for kind in kinds:
        by_status.setdefault(kind.status, []).append(_BY_KIND[kind])
    return {str(status): _response(by_status[status]) for status in sorted(by_status)}


def response(kind: type[GatewayError]) -> Schema:
    """Return the answer for one error."""
    return _response([_BY_KIND[kind]])


def _response(failures: list[Failure]) -> Schema:
    samples = [sample for failure in failures for sample in failure.samples]
    named = [ref(failure.name) for failure in failures]
    always, sometimes = _told_apart([sample.headers() for sample in samples])
    return {
        "description": " ".join(failure.when for failure in failures),
        "headers": headers.documented(always, sometimes),
        "content": {
            "application/json": {
                "schema": named[0] if len(named) == 1 else {"oneOf": named},
                "examples": dict(_examples(failures)),
            }
        },
    }


def _examples(failures: list[Failure]) -> Iterable[tuple[str, Schema]]:
    for failure in failures:
        for number, sample in enumerate(failure.samples, start=1):
            name = failure.name if number == 1 else f"{failure.name}{number}"
            body = msgspec.json.decode(sample.body(REQUEST_ID))
            yield name, {"summary": sample.message, "value": body}


def _schema(failure: Failure) -> Schema:
    always, sometimes = _told_apart([sample.details() for sample in failure.samples])
    code = {"error_code": tag(str(failure.kind.error_code))}
    details = record(dict.fromkeys(always, COUNT) | code, dict.fromkeys(sometimes, COUNT))
    error = record({"type": tag(failure.kind.type), "message": TEXT, "details": details})
    return _envelope(error, description=failure.when)


def _envelope(error: Schema, *, description: str) -> Schema:
    members = {"type": tag("error"), "error": error, "request_id": ref("RequestId")}
    return record(members, description=description)


def _told_apart(several: list[Mapping[str, Any]]) -> tuple[list[str], list[str]]:
    """Return the names that all have, and those that only some have, in the order they come."""
    names = dict.fromkeys(name for one in several for name in one)
    always = [name for name in names if all(name in one for one in several)]
    return always, [name for name in names if name not in always]
