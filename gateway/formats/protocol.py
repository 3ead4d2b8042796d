"""The interface of an upstream format. Each format is a module with these functions."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, Protocol

import msgspec

from catalogue.habits import USUAL, Habits
from catalogue.snapshot import UpstreamRow
from gateway.errors import InvalidRequest, UpstreamError
from gateway.reply.events import Event, Reply, Usage
from gateway.request.parse import MessagesRequest

# Blocks were dropped, or it was also switched off for this call.
ThinkingChange = Literal["", "dropped", "off"]


class EncodedRequest(NamedTuple):
    """A POST to the upstream; `path` is relative to its base address. `dropped` are fields of the
    request that no Messages API has, and that the upstream is not sent. `thinking` says what was
    done to the conversation's, if the upstream could not take it."""

    path: str
    headers: dict[str, str]
    body: bytes
    dropped: tuple[str, ...] = ()
    thinking: ThinkingChange = ""

    @classmethod
    def from_json(
        cls,
        path: str,
        body: dict[str, Any],
        headers: Mapping[str, str],
        *,
        dropped: tuple[str, ...] = (),
        thinking: ThinkingChange = "",
    ) -> "EncodedRequest":
        """Raises InvalidRequest for a body nested too deeply to encode."""
        try:
            encoded = msgspec.json.encode(body)
        except RecursionError:
            raise InvalidRequest("The request body is nested too deeply") from None
        headers = {"content-type": "application/json", **headers}
        return cls(path, headers, encoded, dropped, thinking)


class Stream(Protocol):
    """Decodes an upstream's event stream: bytes in, events out. Does no I/O.

    The returned events always keep the grammar of `gateway.reply.resequencer`. The last ones are
    MessageDelta and MessageStop together, or an UpstreamErrorEvent; further input is ignored.
    """

    def feed(self, chunk: bytes) -> list[Event]: ...

    def close(self) -> list[Event]:
        """The upstream closed the connection; an UpstreamErrorEvent if it was too early."""

    def runs_away(self, *, max_tokens: int) -> bool:
        """Whether the upstream certainly ignores `max_tokens`: by its own running count, or by more
        bytes than so many tokens can have. Never after it has given a stop reason."""

    def cut(self) -> list[Event]:
        """End the answer here, with the stop reason `max_tokens`. An open tool call is closed as it
        stands."""

    def delivered_tokens_estimate(self) -> int:
        """The output returned so far; 0 only if there was none."""

    def usage_so_far(self) -> Usage:
        """Reported input, or its estimate until it is reported, and estimated output."""


class Format(Protocol):
    def auth_headers(self, api_key: str) -> dict[str, str]:
        """Headers with the credential; none for an empty key."""

    def version_headers(self, version: str, request: MessagesRequest) -> dict[str, str]:
        """The header with the version of the API that the caller names; none where the upstream
        has no such header, or is better left with its own."""

    def encode_request(
        self,
        request: MessagesRequest,
        *,
        upstream_model: str,
        max_tokens: int,
        stream: bool,
        beta: str | None = None,
        capabilities: frozenset[str] | None = None,
        upstream: UpstreamRow | None = None,
    ) -> EncodedRequest:
        """`max_tokens` is clamped, `beta` is the caller's `anthropic-beta` header and
        `capabilities` are the model's (None: all). `upstream` has habits (None: the usual ones).
        Raises InvalidRequest for content that the format cannot express, so call it before credits
        are held."""

    def encode_count(
        self,
        request: MessagesRequest,
        *,
        upstream_model: str,
        beta: str | None = None,
        upstream: UpstreamRow | None = None,
    ) -> EncodedRequest | None:
        """The request that counts tokens, or None where the format has none."""

    def decode_count(self, body: bytes) -> int:
        """Raises UpstreamError."""

    def decode_reply(
        self,
        body: bytes,
        *,
        request: MessagesRequest,
        hide: Mapping[str, str] | None = None,
        upstream_id: int = 0,
        habits: Habits = USUAL,
    ) -> Reply:
        """Raises UpstreamError for a body that is not a reply, such as an error under a 200.
        `hide` as in `decode_error`. Thinking is signed with the upstream's id, and
        read as its `habits` say."""

    def decode_error(
        self,
        status: int,
        body: bytes,
        retry_after: str | None,
        *,
        hide: Mapping[str, str] | None = None,
    ) -> UpstreamError:
        """The error for a status other than 200. `hide` maps words that must not reach the
        caller, such as the upstream's name for the model, to their replacements."""

    def open_stream(
        self,
        *,
        request: MessagesRequest,
        hide: Mapping[str, str] | None = None,
        upstream_id: int = 0,
        habits: Habits = USUAL,
    ) -> Stream:
        """Errors inside the stream are decoded as by `decode_error`, with the same `hide`."""
