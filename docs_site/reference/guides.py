"""Reference pages beside the operations: events, errors, headers, limits."""

from collections.abc import Iterable

import msgspec

from docs_site.openapi import document
from docs_site.reference.json_text import written
from docs_site.source.page import Page
from gateway.openapi import examples
from gateway.openapi.error_samples import DOCUMENTED_ERRORS

_EVENTS = """\
With `"stream": true` the answer of [Messages](/docs/reference/messages) is `text/event-stream`: \
events, each with a name and one line of JSON. They come in one order: `message_start`; then each \
block as `content_block_start`, its `content_block_delta`s and `content_block_stop`; then \
`message_delta` and `message_stop`. Blocks are numbered 0, 1, 2 … and never overlap.

A line that begins with a colon is a comment: it keeps the connection open while the model says \
nothing, and clients skip it. Skip events whose name you do not know, too.

{{ events }}

## A whole stream

"""
_ERROR = """\
Every error has an HTTP status and this body. Programs read `error.details.error_code`; the \
message is for people and may change. **An error never costs credits.** The same body is the \
data of an `error` event, which ends a stream that has begun.

{{ fields error }}

## All errors

{{ errors }}

`Retry` says what official SDKs do: they obey `x-should-retry`, and otherwise retry 408, 409, 429 \
and everything from 500 up. [Errors and retries](/docs/errors-and-retries) says how to retry well.

## Yours

{{ own errors }}

## Their headers

Every error has `request-id`. Some have more:

{{ error_headers }}

## An example of each

"""
_HEADERS = """\
## Of requests

{{ request_headers }}

## Of responses

{{ response_headers }}

## In browsers

Every response, errors and streams included, has `access-control-allow-origin: *` and exposes \
the headers above but `allow`, so pages of any origin may call `/v1` with a key of their user. \
Never put a key of your own into a page.
"""
_LIMITS = """\
These are the values of this installation. Beyond a limit, nothing is charged.

## Rates

{{ rates }}

[Rate limits](/docs/rate-limits) says how they are counted.

## Sizes

{{ sizes }}

## Times

{{ times }}
"""


def pages() -> Iterable[Page]:
    """Return the pages."""
    yield _page("events", "Events", 70, "The events of a streamed answer.", _events())
    yield _page("errors", "Errors", 80, "Every error of the API.", _ERROR + _error_examples())
    yield _page("headers", "Headers", 90, "The headers of requests and responses.", _HEADERS)
    yield _page("limits", "Limits", 100, "Rates, sizes and times, as they are set here.", _LIMITS)


def _page(slug: str, title: str, order: int, description: str, body: str) -> Page:
    return Page(f"reference/{slug}", title, description, "Reference", order, None, body)


def _events() -> str:
    parts = [f"{_EVENTS}```text Events\n{_stream()}\n```"]
    parts += [
        f"## Data of {name}\n\n{{{{ fields event.{name} }}}}"
        for name in document.events()
        if name != "error"
    ]
    parts.append("## Data of error\n\nAs the body of [every error](/docs/reference/errors).")
    return "\n\n".join(parts) + "\n"


def _stream() -> str:
    return "\n\n".join(
        f"event: {event['event']}\ndata: {event['data']}" for event in examples.STREAM
    )


def _error_examples() -> str:
    fences = []
    for one in DOCUMENTED_ERRORS:
        body = msgspec.json.decode(one.samples[0].body(examples.REQUEST_ID))
        fences.append(f"```json {one.kind.status} {one.kind.error_code}\n{written(body)}\n```")
    return "\n\n".join(fences) + "\n"
