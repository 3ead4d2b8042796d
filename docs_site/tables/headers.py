"""Tables of the headers of requests and responses, from the OpenAPI document's own descriptions."""

from collections.abc import Iterable

from docs_site.openapi import document
from docs_site.tables.markdown_table import table
from gateway.limits import rate_limiter
from gateway.openapi import headers as described

_WITH_KEY = "One of the two is required; `x-api-key` counts if both have a key."


def request_headers(_: str) -> str:
    """Return the headers that a request may have."""
    rows = [
        ("`authorization`", f"`Bearer`, a space and a key. {_WITH_KEY}"),
        ("`x-api-key`", f"A key alone. {_WITH_KEY}"),
        *((f"`{one['name']}`", one["description"]) for one in (described.VERSION, described.BETA)),
        ("`content-type`", "`application/json`; the body is read as JSON whatever it says."),
        ("`content-encoding`", "`identity` or absent: a compressed body is a 400."),
    ]
    return table(("Header", "Meaning"), rows)


def response_headers(_: str) -> str:
    """Return the headers that a response may have, and which have them."""
    rows = [(f"`{name}`", _where(name), text) for name, (text, _schema) in described.KNOWN.items()]
    return table(("Header", "On", "Meaning"), rows)


def short_names(headers: Iterable[str]) -> list[str]:
    """Return the names, the six of the rate limits as one."""
    short = ("anthropic-ratelimit-…" if one in rate_limiter.HEADERS else one for one in headers)
    return list(dict.fromkeys(short))


def _where(name: str) -> str:
    """Return the operations whose answers have the header, or that only errors do."""
    every = list(document.operations())
    those = [one for one in every if name in one.answer["headers"]]
    if len(those) == len(every):
        return "every answer"
    return ", ".join(f"`{one.method} {one.path}`" for one in those) or "errors"
