"""Entity tags: a client that has an answer already gets a 304 instead."""

from hashlib import sha256
from uuid import UUID

import msgspec
from starlette.datastructures import Headers
from starlette.responses import Response

from gateway.http import cors
from gateway.http.responses import json_response

_CACHING = {"cache-control": "private, no-cache"}


def tagged_response(body: object, request_id: UUID, headers: Headers) -> Response:
    """Return `body` with its tag, or a 304 for a client that names the tag as its own."""
    content = msgspec.json.encode(body)
    tag = f'"{sha256(content).hexdigest()[:24]}"'
    named = {"etag": tag, **_CACHING}
    if is_known(tag, headers.get("if-none-match", "")):
        shared = {"request-id": f"req_{request_id.hex}", **cors.HEADERS}
        return Response(status_code=304, headers=named | shared)
    return json_response(content, request_id, headers=named)


def is_known(tag: str, if_none_match: str) -> bool:
    """Whether the header names the tag; proxies that compress make it a weak one."""
    names = (name.strip().removeprefix("W/") for name in if_none_match.split(","))
    return any(name in (tag, "*") for name in names)
