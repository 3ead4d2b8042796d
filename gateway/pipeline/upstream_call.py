"""One request to one upstream: encode it, send it, turn an error response into our error."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from django.conf import settings

from gateway.call import Call
from gateway.errors import UpstreamError
from gateway.formats import FORMATS, EncodedRequest, whole_reply
from gateway.formats.upstream_errors import HiddenWords
from gateway.limits import offload
from gateway.pipeline import upstream_words
from gateway.reply.events import Reply
from gateway.request.cache_time import for_five_minutes
from gateway.request.parse import MessagesRequest
from gateway.runtime.services import GatewayServices
from gateway.upstreams.client import UpstreamResponse
from gateway.upstreams.router import Candidate

Answer = TypeVar("Answer")

EMBEDDED = "embedded"


async def ask(services: GatewayServices, call: Call, candidate: Candidate) -> Reply:
    """Ask one upstream for the whole answer."""

    async def whole(response: UpstreamResponse) -> bytes:
        await raise_unless_ok(call, candidate, response)
        call.note_first_byte()
        return await response.read()

    try:
        body = await post(services, call, candidate, await encoded(call, candidate), whole)
        return whole_reply.decode(
            FORMATS[candidate.upstream.format],
            body,
            request=call.request,
            hide=hidden_words(call, candidate),
            upstream_id=candidate.upstream.id,
            habits=candidate.upstream.habits,
        )
    except UpstreamError as error:
        await upstream_words.log(error, call, candidate)
        raise


async def count_tokens(services: GatewayServices, call: Call, candidate: Candidate) -> int | None:
    """Return the upstream's own count of the input tokens; None if it has none to give."""
    if candidate.upstream.id in services.breakers.blocked(call.caller.workspace_id):
        return None
    wire = FORMATS[candidate.upstream.format]
    asked, beta = _asked(call, candidate)
    encode = partial(
        wire.encode_count,
        asked,
        upstream_model=candidate.upstream.upstream_model,
        beta=beta,
        upstream=candidate.upstream.known_to(call.caller.workspace_id),
    )
    request = await offload.run(
        encode, size_bytes=call.request.body_bytes, workspace_id=call.caller.workspace_id
    )
    if request is None:
        return None

    async def counted(response: UpstreamResponse) -> int:
        await raise_unless_ok(call, candidate, response)
        return wire.decode_count(await response.read())

    try:
        return await post(services, call, candidate, request, counted)
    except UpstreamError:
        return None


async def encoded(call: Call, candidate: Candidate) -> EncodedRequest:
    """Return the request in the upstream's format; raises InvalidRequest if it has no form for it.

    The last one is kept: it is encoded before credits are held and sent after that.
    """
    if call.encoded is not None and call.encoded[0] is candidate:
        return call.encoded[1]
    asked, beta = _asked(call, candidate)
    encode = partial(
        FORMATS[candidate.upstream.format].encode_request,
        asked,
        upstream_model=candidate.upstream.upstream_model,
        max_tokens=candidate.max_tokens,
        stream=call.request.stream,
        beta=beta,
        capabilities=candidate.model.capabilities,
        upstream=candidate.upstream.known_to(call.caller.workspace_id),
    )
    request = await offload.run(
        encode, size_bytes=call.request.body_bytes, workspace_id=call.caller.workspace_id
    )
    call.encoded = (candidate, request)
    return request


def _asked(call: Call, candidate: Candidate) -> tuple[MessagesRequest, str | None]:
    """Return the request and the betas that this candidate is asked with. A cache that is kept for
    an hour needs a price: it costs us more than one that is kept for five minutes."""
    is_paid = not call.request.has_hour or candidate.price.has_hour
    if is_paid or candidate.upstream.passes_everything:
        return call.request, call.beta
    return for_five_minutes(call.request, call.beta)


def post(
    services: GatewayServices,
    call: Call,
    candidate: Candidate,
    request: EncodedRequest,
    read: Callable[[UpstreamResponse], Awaitable[Answer]],
) -> Awaitable[Answer]:
    """Send an encoded request to a candidate's upstream and read its response with `read`."""

    def read_and_note(response: UpstreamResponse) -> Awaitable[Answer]:
        call.upstream_status = response.status
        return read(response)

    upstream = candidate.upstream
    if upstream.base_url == EMBEDDED:
        base_url, api_key = settings.EMBEDDED_MODEL_URL, settings.EMBEDDED_MODEL_API_KEY
    else:
        base_url, api_key = upstream.base_url, upstream.api_key
    wire = FORMATS[upstream.format]
    headers = request.headers | wire.auth_headers(api_key)
    if call.version is not None:
        headers |= wire.version_headers(call.version, call.request)
    url = base_url + request.path
    return services.client.post(
        url, headers=headers, body=request.body, read=read_and_note, limits=call.attempt_limits
    )


async def raise_unless_ok(call: Call, candidate: Candidate, response: UpstreamResponse) -> None:
    """Raise the UpstreamError that a status other than 200 means in the upstream's format."""
    if response.status == 200:
        return
    raise FORMATS[candidate.upstream.format].decode_error(
        response.status,
        await response.read_error(),
        response.retry_after,
        hide=hidden_words(call, candidate),
    )


def hidden_words(call: Call, candidate: Candidate) -> HiddenWords:
    """Map words of an upstream's errors that callers must not read to what replaces them."""
    words = {candidate.upstream.upstream_model: candidate.model.public_id}
    return HiddenWords(words, sent=call.encoded[1].body if call.encoded is not None else b"")
