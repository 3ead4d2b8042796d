"""The talk with an upstream: one attempt after another, until one answers."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

from django.conf import settings

from gateway import sse
from gateway.call import Call, CallerGone
from gateway.errors import InvalidRequest, UpstreamError, UpstreamFailed, UpstreamTimeout
from gateway.formats import FORMATS, EncodedRequest, Stream, WholeStream
from gateway.limits import offload
from gateway.pipeline.keep_alive import KeepAlive
from gateway.reply.events import (
    Event,
    FrameEncoder,
    MessageDelta,
    MessageStop,
    Reply,
    UpstreamErrorEvent,
    Usage,
)
from gateway.runtime.services import GatewayServices
from gateway.upstreams.client import UpstreamResponse
from gateway.upstreams.router import Candidate

Answer = TypeVar("Answer")
Deliver = Callable[[bytes], Awaitable[None]]

EMBEDDED = "embedded"
_MOST_ATTEMPTS = 3
_PAUSE_S = 0.1
# How long in all a caller may keep an upstream waiting without having to do with its end. Servers
# wait at least five seconds for whoever does not read; a network that falters takes less.
_HELD_UP_S = 2.0
# Shorter waits are not counted: to send takes its time as well, which adds up in a long answer.
_NO_WAIT_S = 0.05
_NO_CONTENT = b"\xef\xbb\xbf\xfe\xff\0 \t\r\n"  # white space and byte order marks, in any Unicode
_MOST_WHITE_SPACE_BYTES = 64 * 1024


async def first_that_answers(
    services: GatewayServices,
    call: Call,
    attempt: Callable[[Candidate], Awaitable[Answer]],
    *,
    may_retry: Callable[[], bool],
) -> Answer:
    """Try the route's candidates in order, and again while attempts are left; raises the last
    error.

    A refusal of the request itself is final: the next upstream would find the same fault. So is
    everything once something was delivered, and a timeout of the only upstream: the caller has
    waited long enough.
    """
    services.health.begin_call()
    ways: Sequence[Candidate] = call.route.candidates
    for number in range(_MOST_ATTEMPTS):
        call.candidate = way = ways[number % len(ways)]
        try:
            answer = await attempt(way)
        except UpstreamError as error:
            if error.may_fall_back:
                services.health.failed(way.upstream.id)
            is_last = number + 1 == _MOST_ATTEMPTS
            if is_last or not (error.may_fall_back and may_retry()):
                raise
            ways = await _with_words(call, ways)
            is_new = number + 1 < len(ways)
            may_repeat = is_new or not isinstance(error, UpstreamTimeout)
            if not (may_repeat and services.health.take_retry()):
                raise
            if not is_new:
                await asyncio.sleep(_PAUSE_S * (1 + random.random()))  # noqa: S311 (only jitter)
        else:
            services.health.succeeded(way.upstream.id)
            return answer
    raise AssertionError("the last attempt returned or raised")


async def _with_words(call: Call, ways: Sequence[Candidate]) -> list[Candidate]:
    """Return the ways whose format can say the request, as the first one's can."""
    kept = []
    for way in ways:
        try:
            if way.upstream.format != ways[0].upstream.format:
                await encoded(call, way)
        except InvalidRequest:
            continue
        kept.append(way)
    return kept


async def ask(services: GatewayServices, call: Call, candidate: Candidate) -> Reply:
    """Ask one upstream for the whole answer."""

    async def whole(response: UpstreamResponse) -> bytes:
        await _raise_unless_ok(candidate, response)
        call.note_first_byte()
        return await response.read()

    body = await _post(services, candidate, await encoded(call, candidate), whole)
    return FORMATS[candidate.upstream.format].decode_reply(
        body, request=call.request, hide=_insiders_words(candidate)
    )


class Relay:
    """Passes one upstream's stream on to the caller, all but its end.

    The end says what the call cost, so it waits until that is written (see pipeline.stream).
    """

    def __init__(self, services: GatewayServices, call: Call, deliver: Deliver) -> None:
        self._services = services
        self._call = call
        self._deliver = deliver
        self._stream: Stream | None = None
        self._spoke_at = 0.0  # to the caller, or when their turn to wait began
        self._waits_since: float | None = None  # for the caller to take what was sent
        self._waited_s = 0.0
        self.encoder: FrameEncoder
        # Comments may come before the answer: then its failure can no longer be a status, but
        # another attempt can still be made.
        self.has_spoken = False
        self.has_begun = False

    async def run(self, candidate: Candidate) -> MessageDelta:
        """Relay one attempt; return how it ended.

        Raises CallerGone for a caller who keeps the upstream waiting until its time runs out or it
        gives up: what they got is theirs to pay for.
        """
        self._spoke_at = time.monotonic()
        self._waits_since = None  # a comment of the last attempt may have been cut off
        self._waited_s = 0.0
        try:
            return await self._attempt(candidate)
        except (UpstreamTimeout, UpstreamFailed):
            if self._is_held_up_by_caller():
                raise CallerGone from None
            raise

    async def _attempt(self, candidate: Candidate) -> MessageDelta:
        call = self._call
        self.encoder = FrameEncoder(message_id=call.message_id, model=candidate.model.public_id)
        request = await encoded(call, candidate)
        async with KeepAlive(self._comment, every_s=settings.KEEP_ALIVE_EVERY_S) as waiting:

            async def relayed(response: UpstreamResponse) -> MessageDelta:
                await waiting.end()
                await _raise_unless_ok(candidate, response)
                return await self._relay(candidate, response)

            return await _post(self._services, candidate, request, relayed)

    async def _relay(self, candidate: Candidate, response: UpstreamResponse) -> MessageDelta:
        chunk = await self._beginning(response)
        stream = self._stream = self._open(candidate, response, chunk)
        while True:
            events = stream.feed(chunk) if chunk else stream.close()
            end = await self._pass_on(events)
            if end is not None:
                return end
            if not chunk:
                raise UpstreamFailed
            chunk = await self._next_chunk(response)

    def _open(self, candidate: Candidate, response: UpstreamResponse, beginning: bytes) -> Stream:
        wire = FORMATS[candidate.upstream.format]
        request, hide = self._call.request, _insiders_words(candidate)
        if _is_whole(response, beginning):
            return WholeStream(wire, request=request, hide=hide)
        return wire.open_stream(request=request, hide=hide)

    async def _beginning(self, response: UpstreamResponse) -> bytes:
        """Return what comes first, up to something that is content: white space may come before
        it, so that no proxy on the way gives up. Raises UpstreamFailed where that has no end."""
        beginning = chunk = await self._next_chunk(response)
        while chunk and not beginning.strip(_NO_CONTENT):
            if len(beginning) > _MOST_WHITE_SPACE_BYTES:
                raise UpstreamFailed
            chunk = await self._next_chunk(response)
            beginning += chunk
        return beginning

    async def _next_chunk(self, response: UpstreamResponse) -> bytes:
        """Return what came; the caller is kept from giving up meanwhile, whatever else comes: an
        upstream may have comments of its own, or a tool's input that has to be complete first."""
        while True:
            left_s = self._spoke_at + settings.KEEP_ALIVE_EVERY_S - time.monotonic()
            if left_s <= 0:
                await self._comment()
            elif (chunk := await response.chunk(timeout_s=left_s)) is not None:
                return chunk

    async def _comment(self) -> None:
        await self._hand_over(sse.COMMENT)

    async def _pass_on(self, events: list[Event]) -> MessageDelta | None:
        frames: list[bytes] = []
        end: MessageDelta | None = None
        failure: UpstreamErrorEvent | None = None
        for event in events:
            if isinstance(event, MessageDelta):
                end = event
            elif isinstance(event, UpstreamErrorEvent):
                failure = event
            elif not isinstance(event, MessageStop):
                frames.append(self.encoder.frame(event))
        if frames:
            self._call.note_first_byte()
            self.has_begun = True
            await self._hand_over(b"".join(frames))
        if failure is not None:
            raise failure.error
        return end

    async def _hand_over(self, frames: bytes) -> None:
        self.has_spoken = True
        self._waits_since = began = time.monotonic()
        await self._deliver(frames)
        self._waits_since = None
        self._spoke_at = time.monotonic()
        if (waited_s := self._spoke_at - began) > _NO_WAIT_S:
            self._waited_s += waited_s

    def _is_held_up_by_caller(self) -> bool:
        """Whether the end may be the caller's doing. They would have the answer for nothing
        otherwise: by taking some of it now and then until the time is over, or by taking none
        until the upstream, which can no longer send, hangs up."""
        held_up_s = self._waited_s
        if self._waits_since is not None:
            held_up_s += time.monotonic() - self._waits_since
        return held_up_s >= min(_HELD_UP_S, settings.UPSTREAM_TOTAL_TIMEOUT_S / 2)

    def usage_so_far(self) -> Usage | None:
        """What was asked and delivered until now; None if nothing was delivered."""
        if self._stream is None or not self._stream.delivered_tokens_estimate():
            return None
        return self._stream.usage_so_far()


async def count_tokens(services: GatewayServices, call: Call, candidate: Candidate) -> int | None:
    """Return the input tokens by the upstream's own count; None where it cannot tell."""
    wire = FORMATS[candidate.upstream.format]
    encode = partial(
        wire.encode_count,
        call.request,
        upstream_model=candidate.upstream.upstream_model,
        beta=call.beta,
    )
    request = await offload.work_off(encode, size_bytes=call.request.body_bytes)
    if request is None:
        return None

    async def counted(response: UpstreamResponse) -> int:
        await _raise_unless_ok(candidate, response)
        return wire.decode_count(await response.read())

    try:
        return await _post(services, candidate, request, counted)
    except UpstreamError:
        return None


async def encoded(call: Call, candidate: Candidate) -> EncodedRequest:
    """Return the request in the upstream's format; raises InvalidRequest for what it cannot say."""
    if call.encoded is not None and call.encoded[0] is candidate:
        return call.encoded[1]
    encode = partial(
        FORMATS[candidate.upstream.format].encode_request,
        call.request,
        upstream_model=candidate.upstream.upstream_model,
        max_tokens=candidate.max_tokens,
        stream=call.request.stream,
        beta=call.beta,
        capabilities=candidate.model.capabilities,
    )
    request = await offload.work_off(encode, size_bytes=call.request.body_bytes)
    call.encoded = (candidate, request)
    return request


def _post(
    services: GatewayServices,
    candidate: Candidate,
    request: EncodedRequest,
    take: Callable[[UpstreamResponse], Awaitable[Answer]],
) -> Awaitable[Answer]:
    upstream = candidate.upstream
    if upstream.base_url == EMBEDDED:
        base_url, api_key = settings.EMBEDDED_MODEL_URL, settings.EMBEDDED_MODEL_API_KEY
    else:
        base_url, api_key = upstream.base_url, upstream.api_key
    headers = request.headers | FORMATS[upstream.format].auth_headers(api_key)
    url = base_url + request.path
    return services.client.post(url, headers=headers, body=request.body, take=take)


async def _raise_unless_ok(candidate: Candidate, response: UpstreamResponse) -> None:
    if response.status == 200:
        return
    raise FORMATS[candidate.upstream.format].decode_error(
        response.status,
        await response.read_error(),
        response.retry_after,
        hide=_insiders_words(candidate),
    )


def _is_whole(response: UpstreamResponse, beginning: bytes) -> bool:
    """Whether an answer to a stream's request is one JSON object. Only the type of events can be
    relied on: some servers and proxies send events as plain text, or JSON as anything."""
    return not response.is_event_stream and beginning.lstrip(_NO_CONTENT).startswith(b"{")


def _insiders_words(candidate: Candidate) -> dict[str, str]:
    """What callers should not read in an upstream's errors, and what stands in its place."""
    return {candidate.upstream.upstream_model: candidate.model.public_id}
