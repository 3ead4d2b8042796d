"""A non-streaming reply to a streaming request, converted into the events of a stream.

Servers without streaming ignore `stream`, and many servers with it answer with a plain error. The
response's content type shows both.
"""

from collections.abc import Mapping

import msgspec

from catalogue.habits import USUAL, Habits
from gateway.errors import UpstreamError, UpstreamReplyTooLarge
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
from gateway.reply.token_usage import estimate_tokens
from gateway.request.parse import MessagesRequest

_OF_DELTA = ("stop_details", "container")  # where a stream has these; others are around it
_LIMIT_BYTES = 64 * 1024 * 1024


class NonStreamingReply:
    """Buffers the body and returns all of its events on `close`."""

    def __init__(
        self,
        wire: Format,
        *,
        request: MessagesRequest,
        hide: Mapping[str, str] | None = None,
        upstream_id: int = 0,
        habits: Habits = USUAL,
    ) -> None:
        self._wire = wire
        self._request = request
        self._hide = hide
        self._upstream_id = upstream_id
        self._habits = habits
        self._body = bytearray()
        self._sequence = BlockSequence()
        self._usage = Usage(0, 0)
        self._is_over = False

    def feed(self, chunk: bytes) -> list[Event]:
        if self._is_over:
            return []
        self._body += chunk
        return self._fail(UpstreamReplyTooLarge()) if len(self._body) > _LIMIT_BYTES else []

    def close(self) -> list[Event]:
        if self._is_over:
            return []
        try:
            reply = self._wire.decode_reply(
                bytes(self._body),
                request=self._request,
                hide=self._hide,
                upstream_id=self._upstream_id,
                habits=self._habits,
            )
        except UpstreamError as error:
            return self._fail(error)
        self._is_over = True
        return self._play(reply)

    def delivered_tokens_estimate(self) -> int:
        return estimate_tokens(self._sequence.delivered_bytes)

    def usage_so_far(self) -> Usage:
        return self._usage

    def runs_away(self, *, max_tokens: int) -> bool:
        return False  # it arrives in one piece, within the limit on its size

    def cut(self) -> list[Event]:
        raise AssertionError("a reply in one piece is never cut")

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
        of_delta = {name: reply.extras[name] for name in _OF_DELTA if name in reply.extras}
        members = {name: value for name, value in reply.extras.items() if name not in of_delta}
        end = MessageDelta(reply.stop_reason, reply.stop_sequence, reply.usage, of_delta, members)
        return [*events, end, MessageStop()]
