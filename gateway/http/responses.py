"""Responses of the public API, with their request ids."""

import logging
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec
import uuid_utils.compat as uuid_utils
from starlette.responses import Response

from gateway.errors import GatewayError
from gateway.http import cors, security

logger = logging.getLogger(__name__)

_JSON = "application/json"


def new_request_id() -> UUID:
    """Return a time-ordered id: requests of one moment are neighbours in the indexes."""
    request_id: UUID = uuid_utils.uuid7()
    return request_id


def json_response(
    body: Any,
    request_id: UUID,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    common_headers: Mapping[str, str] = cors.HEADERS,
) -> Response:
    """Return `body` with its request id; bytes are sent as they are."""
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    named = {
        "request-id": f"req_{request_id.hex}",
        **security.HEADERS,
        **common_headers,
        **(headers or {}),
    }
    return Response(content, status_code=status, headers=named, media_type=_JSON)


def error_response(
    error: GatewayError, request_id: UUID, common_headers: Mapping[str, str] = cors.HEADERS
) -> Response:
    """Return an error in the one shape that all clients parse."""
    return json_response(
        error.body(f"req_{request_id.hex}"),
        request_id,
        status=error.status,
        headers={"cache-control": "no-store", **error.headers()},
        common_headers=common_headers,
    )
