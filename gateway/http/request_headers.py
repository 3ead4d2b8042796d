"""The headers of a request that the gateway reads, decoded once."""

from starlette.types import Scope

from gateway.http import labels

_READ = {
    name.encode(): name
    for name in (
        *("authorization", "x-api-key", "content-encoding", "content-length", "anthropic-beta"),
        *("anthropic-version", labels.TAGS, labels.SESSION),
    )
}


def headers_of(scope: Scope) -> dict[str, str]:
    """Decode only the headers that are read, of the twenty that clients send. A repeated one is a
    list, as in HTTP: some clients send each beta in a header of its own."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        if raw_name in _READ:
            name, value = _READ[raw_name], raw_value.decode("latin-1")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers
