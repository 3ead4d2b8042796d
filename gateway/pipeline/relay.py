"""Passes a streamed answer on as the upstream sends it, and comments while nothing comes."""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeGuard

import msgspec
from django.conf import settings

from gateway import sse
from gateway.call import Call, CallerGone
from gateway.errors import UpstreamError, UpstreamFailed, UpstreamTimeout
from gateway.formats import FORMATS, NonStreamingReply, Stream
from gateway.pipeline import upstream_call, upstream_words
from gateway.pipeline.keep_alive import KeepAlive
from gateway.reply.events import (
    BlockStart,
    Event,
    FrameEncoder,
    MessageDelta,
    MessageStart,
    MessageStop,
    Ping,
    UpstreamErrorEvent,
    Usage,
)
from gateway.runtime.services import GatewayServices
from gateway.upstreams.client import UpstreamResponse
from gateway.upstreams.router import Candidate

# The total time that a caller may keep an upstream waiting without being the cause of its end.
# Servers wait at least five seconds for a client that does not read; a weak network takes less.
_BLOCKED_S = 2.0
# Shorter waits are not counted: sending takes time as well, which adds up in a long answer.
_NOT_BLOCKED_S = 0.05
_BLANK = b"\xef\xbb\xbf\xfe\xff\0 \t\r\n"  # white space and byte order marks, in any Unicode
_MOST_BLANK_BYTES = 64 * 1024
_MOST_KEPT_BACK = 100

Send = Callable[[bytes], Awaitable[None]]
EmptyEvent = MessageStart | BlockStart | Ping

logger = logging.getLogger(__name__)


class Relay:
    """Passes one upstream's stream on to the caller, all but its end.

    The end says what the call cost, so it waits until the charge is written (see run.stream).
    """

    def __init__(self, services: GatewayServices, call: Call, send: Send) -> None:
        self._services = services
        self._call = call
        self._send_on = send
        self._comment_every_s: float = settings.KEEP_ALIVE_EVERY_S
        self._stream: Stream | None = None
        self._beginning: list[bytes] = []  # kept back until content comes
        self._sent_at = 0.0  # or when this attempt began
        self._blocked_since: float | None = None  # while the caller does not take what was sent
        self._blocked_s = 0.0
        self.encoder: FrameEncoder
        # Comments may come before the answer. An error can then no longer be a status, but another
        # attempt can still be made.
        self.has_sent = False
        self.has_content = False

    async def run(self, candidate: Candidate) -> MessageDelta:
        """Relay one attempt; return how it ended.

        Raises CallerGone for a caller that blocks the upstream until it times out or gives up: the
        caller is charged for what was delivered, as after a disconnect.
        """
        self._sent_at = time.monotonic()
        self._blocked_since = None  # a comment of the last attempt may have been cancelled
        self._blocked_s = 0.0
        self._beginning = []
        try:
            return await self._attempt(candidate)
        except UpstreamError as error:
            may_be_of_caller = isinstance(error, UpstreamTimeout | UpstreamFailed)
            if may_be_of_caller and self._is_blocked_by_caller():
                raise CallerGone from None
            await upstream_words.log(error, self._call, candidate)
            raise

    async def _attempt(self, candidate: Candidate) -> MessageDelta:
        call = self._call
        self.encoder = FrameEncoder(message_id=call.message_id, model=candidate.model.public_id)
        request = await upstream_call.encoded(call, candidate)
        async with KeepAlive(self._comment, every_s=self._comment_every_s) as comments:

            async def relayed(response: UpstreamResponse) -> MessageDelta:
                await comments.end()
                await upstream_call.raise_unless_ok(call, candidate, response)
                return await self._relay(candidate, response)

            return await upstream_call.post(self._services, call, candidate, request, relayed)

    async def _relay(self, candidate: Candidate, response: UpstreamResponse) -> MessageDelta:
        chunk = await self._first_content(response)
        stream = self._stream = self._open(candidate, chunk)
        while True:
            events = stream.feed(chunk) if chunk else stream.close()
            end = await self._forward(events)
            if end is not None:
                return end
            if not chunk:
                raise UpstreamFailed
            if stream.runs_away(max_tokens=candidate.max_tokens):
                return await self._cut(candidate, stream)
            chunk = await self._next_chunk(response)

    async def _cut(self, candidate: Candidate, stream: Stream) -> MessageDelta:
        """End the answer of an upstream that ignores `max_tokens`; its connection is dropped."""
        logger.warning(
            "upstream %d of %s ignores max_tokens: %s is cut",
            candidate.upstream.id,
            candidate.model.public_id,
            self._call.request_id,
        )
        end = await self._forward(stream.cut())
        if end is None:
            raise UpstreamFailed
        output_tokens = min(end.usage.output_tokens, candidate.max_tokens)
        usage = msgspec.structs.replace(end.usage, output_tokens=output_tokens, is_estimated=True)
        return msgspec.structs.replace(end, usage=usage)

    def _open(self, candidate: Candidate, beginning: bytes) -> Stream:
        upstream, request = candidate.upstream, self._call.request
        wire = FORMATS[upstream.format]
        hide, habits = upstream_call.hidden_words(self._call, candidate), upstream.habits
        if _is_whole(beginning):
            return NonStreamingReply(
                wire, request=request, hide=hide, upstream_id=upstream.id, habits=habits
            )
        return wire.open_stream(request=request, hide=hide, upstream_id=upstream.id, habits=habits)

    async def _first_content(self, response: UpstreamResponse) -> bytes:
        """Return the beginning, up to the first content: upstreams send white space before it, so
        that no proxy on the way times out. Raises UpstreamFailed for white space without end."""
        beginning = chunk = await self._next_chunk(response)
        while chunk and not beginning.strip(_BLANK):
            if len(beginning) > _MOST_BLANK_BYTES:
                raise UpstreamFailed
            chunk = await self._next_chunk(response)
            beginning += chunk
        return beginning

    async def _next_chunk(self, response: UpstreamResponse) -> bytes:
        """Return the next chunk, and comment to the caller meanwhile. What arrives need not become
        a frame: an upstream has comments of its own, and a tool's input is sent when complete."""
        while True:
            left_s = self._sent_at + self._comment_every_s - time.monotonic()
            if left_s <= 0:
                await self._comment()
            elif (chunk := await response.chunk(timeout_s=left_s)) is not None:
                return chunk

    async def _comment(self) -> None:
        await self._send(sse.COMMENT)

    async def _forward(self, events: list[Event]) -> MessageDelta | None:
        """Pass events on, from the first content on: a stream that fails before it, or with it, is
        tried again as if it had not begun. Returns the end of the answer."""
        frames: list[bytes] = []
        end: MessageDelta | None = None
        failure: UpstreamErrorEvent | None = None
        for event in events:
            if isinstance(event, MessageDelta):
                end = event
            elif isinstance(event, UpstreamErrorEvent):
                failure = event
            elif not (frames or self.has_content) and _is_empty(event):
                self._keep_back(event)
            elif not isinstance(event, MessageStop):
                frames.append(self.encoder.frame(event))
        if failure is not None and not self.has_content:
            raise failure.error
        if frames:
            if not self.has_content:
                frames = self._begun(frames)
            await self._send(b"".join(frames))
        if failure is not None:
            raise failure.error
        return end

    def _keep_back(self, event: EmptyEvent) -> None:
        """Keep the start of the message and of a text, and pings: servers send them before they
        know whether they can answer."""
        if len(self._beginning) < _MOST_KEPT_BACK or not isinstance(event, Ping):
            self._beginning.append(self.encoder.frame(event))

    def _begun(self, frames: list[bytes]) -> list[bytes]:
        """Note that content comes; return the first frames of it behind those kept back."""
        self._call.note_first_byte()
        self.has_content = True
        beginning, self._beginning = self._beginning, []
        return [*beginning, *frames]

    async def _send(self, frames: bytes) -> None:
        self.has_sent = True
        self._blocked_since = began = time.monotonic()
        await self._send_on(frames)
        self._blocked_since = None
        self._sent_at = time.monotonic()
        if (blocked_s := self._sent_at - began) > _NOT_BLOCKED_S:
            self._blocked_s += blocked_s

    def _is_blocked_by_caller(self) -> bool:
        """Whether the caller may have caused the end. Otherwise the answer would be free: for a
        caller that reads a little now and then until the time is over, or reads nothing until the
        upstream, unable to send, closes the connection."""
        blocked_s = self._blocked_s
        if self._blocked_since is not None:
            blocked_s += time.monotonic() - self._blocked_since
        return blocked_s >= min(_BLOCKED_S, settings.UPSTREAM_TOTAL_TIMEOUT_S / 2)

    def usage_so_far(self) -> Usage | None:
        """Return the input and what has been delivered; None if nothing was delivered."""
        if not self.has_content or not self.delivered_tokens_estimate():
            return None
        assert self._stream is not None
        return self._stream.usage_so_far()

    def delivered_tokens_estimate(self) -> int:
        """Return the output that has been delivered."""
        return self._stream.delivered_tokens_estimate() if self._stream is not None else 0


def _is_empty(event: Event) -> TypeGuard[EmptyEvent]:
    """Whether an event delivers nothing. The start of a thought does: clients show it, and some
    thoughts have no text."""
    if isinstance(event, BlockStart):
        return event.block.get("type") == "text"
    return isinstance(event, MessageStart | Ping)


def _is_whole(beginning: bytes) -> bool:
    """Whether the answer to a streaming request is one JSON object. No media type is reliable:
    servers and proxies send events as plain text, and JSON as events."""
    return beginning.lstrip(_BLANK).startswith(b"{")
