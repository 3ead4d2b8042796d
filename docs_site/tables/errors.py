"""Tables of the API's errors, from their classes and samples."""

from collections.abc import Iterable

from docs_site.tables.headers import short_names
from docs_site.tables.markdown_table import table
from gateway.errors import GatewayError
from gateway.openapi.error_samples import DOCUMENTED_ERRORS, DocumentedError

_RETRIED_BY_STATUS = frozenset({408, 409, 429})  # by official SDKs, and everything from 500 up
_PAGE = "/docs/reference/errors"


def errors(_: str) -> str:
    """Return every error: its code, status, type, whether to retry it, and what it means."""
    rows = [
        (
            f"`{one.kind.error_code}`",
            f"{one.kind.status} `{one.kind.type}`",
            retry(one),
            one.when,
        )
        for one in _sorted(DOCUMENTED_ERRORS)
    ]
    return table(("Error code", "Status and type", "Retry", "Meaning"), rows)


def errors_by_status(kinds: Iterable[type[GatewayError]]) -> str:
    """Return these errors, linked to the page of all."""
    wanted = set(kinds)
    rows = [
        (
            str(one.kind.status),
            f"[`{one.kind.error_code}`]({_PAGE}#{one.kind.error_code})",
            retry(one),
            one.when,
        )
        for one in _sorted(DOCUMENTED_ERRORS)
        if one.kind in wanted
    ]
    return table(("Status", "Error", "Retry", "Meaning"), rows)


def error_headers(_: str) -> str:
    """Return which errors have which headers beside `request-id`."""
    rows = []
    for one in _sorted(DOCUMENTED_ERRORS):
        several = [short_names(sample.headers()) for sample in one.samples]
        names = dict.fromkeys(name for headers in several for name in headers)
        shown = [
            f"`{name}`" if all(name in headers for headers in several) else f"`{name}` (sometimes)"
            for name in names
        ]
        if shown:
            rows.append((f"[`{one.kind.error_code}`](#{one.kind.error_code})", ", ".join(shown)))
    return table(("Error", "Headers"), rows)


def retry(error: DocumentedError) -> str:
    """Return whether a retry can help, as official SDKs decide it: by the header, else by the
    status."""
    several = [sample.headers() for sample in error.samples]
    refusals = [headers.get("x-should-retry") == "false" for headers in several]
    if all(refusals):
        return "no"
    if any(refusals):
        return "if `retry-after` is present"
    if all("retry-after" in headers for headers in several):
        return "after `retry-after`"
    is_retried = error.kind.status in _RETRIED_BY_STATUS or error.kind.status >= 500
    return "yes" if is_retried else "no"


def _sorted(errors: Iterable[DocumentedError]) -> list[DocumentedError]:
    return sorted(errors, key=lambda one: (one.kind.status, str(one.kind.error_code)))
