"""A whole answer to a request for a stream, played as the stream it should have been.

Servers that do not stream ignore the request for it, and many that do answer it with a plain
error. Both say so by the type of their content.
"""

from collections.abc import Mapping

import msgspec

from gateway.errors import UpstreamError, UpstreamFailed
from gateway.formats.protocol import Format
from gateway.reply import blocks, tool_inputs
from gateway.reply.events import (
    Event,
    MessageDelta,
    MessageStart,
    MessageStop,
    Reply,
    UpstreamErrorEvent,
    Usage,
)
from gateway.reply.resequencer import BlockSequence
from gateway.reply.token_usage import tokens_of
from gateway.request.parse import MessagesRequest

_LIMIT_BYTES = 64 * 1024 * 1024


class WholeStream:
    """Silent until the answer is complete; then all of its events come at once."""

    def __init__(
        self, wire: Format, *, request: MessagesRequest, hide: Mapping[str, str] | None = None
    ) -> None:
        self._wire = wire
        self._request = request
        self._hide = hide
        self._body = bytearray()
        self._sequence = BlockSequence()
        self._usage = Usage(0, 0)
        self._is_over = False

    def feed(self, chunk: bytes) -> list[Event]:
        if self._is_over:
            return []
        self._body += chunk
        return self._fail(UpstreamFailed()) if len(self._body) > _LIMIT_BYTES else []

    def close(self) -> list[Event]:
        if self._is_over:
            return []
        try:
            reply = self._wire.decode_reply(
                bytes(self._body), request=self._request, hide=self._hide
            )
        except UpstreamError as error:
            return self._fail(error)
        self._is_over = True
        return self._play(reply)

    def delivered_tokens_estimate(self) -> int:
        return tokens_of(self._sequence.delivered_bytes)

    def usage_so_far(self) -> Usage:
        return self._usage

    def _fail(self, error: UpstreamError) -> list[Event]:
        self._is_over = True
        return [UpstreamErrorEvent(error)]

    def _play(self, reply: Reply) -> list[Event]:
        self._usage = reply.usage
        events: list[Event] = [
            MessageStart(msgspec.structs.replace(reply.usage, output_tokens=0, details={}))
        ]
        ids = tool_inputs.CallIds()
        for wire in reply.content:
            if (block := blocks.from_start(wire, ids)) is not None:
                events += self._sequence.open(block) + self._sequence.stop(block)
        end = MessageDelta(reply.stop_reason, reply.stop_sequence, reply.usage, reply.extras)
        return [*events, end, MessageStop()]
