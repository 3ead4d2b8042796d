"""What an upstream format has to offer. Each format is a module with these functions."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from gateway.errors import UpstreamError
from gateway.reply.events import Event, Reply, Usage
from gateway.request.parse import MessagesRequest


class EncodedRequest(NamedTuple):
    """What to POST: `path` comes after the upstream's base address."""

    path: str
    headers: dict[str, str]
    body: bytes


class Stream(Protocol):
    """An upstream's event stream, bytes in, events out. Does no I/O.

    What it returns keeps the grammar of `gateway.reply.resequencer` whatever the upstream does. The
    last events are MessageDelta and MessageStop together, or an UpstreamErrorEvent; after them
    everything is ignored.
    """

    def feed(self, chunk: bytes) -> list[Event]: ...

    def close(self) -> list[Event]:
        """The upstream closed the connection: an UpstreamErrorEvent if it should not have."""

    def delivered_tokens_estimate(self) -> int:
        """The output passed on so far; 0 only if there was none."""

    def usage_so_far(self) -> Usage:
        """Reported input, or the estimate before there is a report, and estimated output."""


class Format(Protocol):
    def auth_headers(self, api_key: str) -> dict[str, str]:
        """Headers that carry the credential; an empty key sends none."""

    def encode_request(
        self,
        request: MessagesRequest,
        *,
        upstream_model: str,
        max_tokens: int,
        stream: bool,
        beta: str | None = None,
        capabilities: frozenset[str] | None = None,
    ) -> EncodedRequest:
        """`max_tokens` is the clamped one, `beta` the caller's `anthropic-beta` header and
        `capabilities` those of the model (None: all). Raises InvalidRequest for what the format
        cannot express, so call it before credits are held."""

    def encode_count(
        self, request: MessagesRequest, *, upstream_model: str, beta: str | None = None
    ) -> EncodedRequest | None:
        """The request that counts tokens, or None where the format has none."""

    def decode_count(self, body: bytes) -> int:
        """Raises UpstreamError."""

    def decode_reply(
        self, body: bytes, *, request: MessagesRequest, hide: Mapping[str, str] | None = None
    ) -> Reply:
        """Raises UpstreamError for anything but an answer, an error inside a 200 included.
        `hide` as in `decode_error`."""

    def decode_error(
        self,
        status: int,
        body: bytes,
        retry_after: str | None,
        *,
        hide: Mapping[str, str] | None = None,
    ) -> UpstreamError:
        """The error for a status other than 200. `hide` maps words the caller should not read,
        such as the upstream's name for the model, to their replacements."""

    def open_stream(
        self, *, request: MessagesRequest, hide: Mapping[str, str] | None = None
    ) -> Stream:
        """Errors inside the stream are told as by `decode_error`, with the same `hide`."""
