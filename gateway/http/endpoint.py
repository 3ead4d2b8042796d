"""What all endpoints for calls share: reading headers and body, and turning errors into HTTP."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from uuid import UUID

from starlette.types import Receive, Scope, Send

from gateway.call import Caller, CallerGone
from gateway.errors import (
    BodyTooLarge,
    GatewayError,
    InternalFailure,
    InvalidRequest,
    RateLimited,
    forget_frames,
)
from gateway.http import cors, labels
from gateway.http.client_address import client_network
from gateway.http.request_body import RequestBody
from gateway.http.request_headers import headers_of
from gateway.http.responses import error_response, new_request_id
from gateway.limits import offload
from gateway.limits.fair_budget import Holder
from gateway.pipeline.serve import AnswerCutShort
from gateway.reply import token_usage
from gateway.request import parse
from gateway.request.parse import MessagesRequest
from gateway.runtime.services import GatewayServices

logger = logging.getLogger(__name__)

# A count of tokens counts once more against its limit for each of these that its request has.
_BYTES_OF_A_COUNT = 256 * 1024
_VALUES_OF_A_COUNT = 5_000

__all__ = [
    "answer_or_error",
    "body_of",
    "checked_request",
    "counted_request",
    "headers_of",
    "labelled_request",
]


async def answer_or_error(
    work: Callable[[UUID], Awaitable[None]],
    scope: Scope,
    receive: Receive,
    send: Send,
    *,
    error_headers: Mapping[str, str] = cors.HEADERS,
) -> None:
    """Let `work` answer a request under a new id; send the error that it raises instead."""
    request_id = new_request_id()
    try:
        await work(request_id)
    except (CallerGone, AnswerCutShort) as ended:
        forget_frames(ended)
    except GatewayError as error:
        forget_frames(error)
        services: GatewayServices = scope["state"]["services"]
        await services.refusal_pace.wait(error, partial(client_network, scope))
        await error_response(error, request_id, error_headers)(scope, receive, send)
    except Exception as fault:
        logger.exception("request req_%s failed", request_id.hex)
        forget_frames(fault)
        failure = InternalFailure()
        await error_response(failure, request_id, error_headers)(scope, receive, send)


def body_of(
    services: GatewayServices, caller: Caller, headers: Mapping[str, str], receive: Receive
) -> RequestBody:
    """Return the body of a request, of which nothing is read yet."""
    return RequestBody(headers, receive, services.uploads, partial(_holder, caller))


def _holder(caller: Caller) -> Holder:
    return Holder(caller.workspace_id, caller.concurrency_key)


async def labelled_request(
    services: GatewayServices,
    caller: Caller,
    headers: Mapping[str, str],
    body: RequestBody,
    request_id: UUID,
) -> tuple[Caller, MessagesRequest]:
    """Read and check the body of a call; return it, and the caller with the call's labels.

    Raises what `checked_request` raises. A call that is refused has its record queued.
    """
    try:
        request = await checked_request(services, caller, body)
        return labels.labelled(caller, headers, request), request
    except GatewayError as error:
        services.refusals.note(caller, request_id, error)
        raise


async def checked_request(
    services: GatewayServices, caller: Caller, body: RequestBody
) -> MessagesRequest:
    """Read and check a body; raises InvalidRequest, BodyTooLarge, BusyUploading, CallerGone,
    RateLimited.

    A large body that is refused has taken time that other workspaces wait for. So it counts against
    the limit of its own, which is looked at before it is received, and again when its turn to be
    checked has come.
    """
    limiter, workspace_id = services.limiter, caller.workspace_id
    try:
        data = await body.read(partial(limiter.require_room, workspace_id))
        least_tokens = body.least_tokens
        request = await offload.run(
            partial(parse.messages_request, data, least_tokens),
            size_bytes=body.work_bytes,
            workspace_id=workspace_id,
            before=partial(limiter.require_room, workspace_id, least_tokens),
        )
    except CallerGone:
        limiter.charge_refused(workspace_id, body.values)  # they were counted, which takes time
        raise
    except (InvalidRequest, BodyTooLarge):
        if body.received > offload.SMALL_BYTES:
            limiter.charge_refused(workspace_id, token_usage.estimate_tokens(body.received))
        raise
    body.parsed()
    return request


async def counted_request(
    services: GatewayServices, caller: Caller, body: RequestBody
) -> MessagesRequest:
    """Read and check the body of a count of tokens; raises the same. It has limits of its own. A
    large one is free too, but takes as much time as many small ones, and so counts as many."""
    add = partial(services.counts.add, caller.workspace_id)
    try:
        data = await body.read(partial(add, 0))
    except BaseException:
        with suppress(RateLimited):  # the first error is the one to report
            add(_further_counts(body))
        raise
    add(_further_counts(body))
    request = await offload.run(
        partial(parse.count_request, data),
        size_bytes=body.work_bytes,
        workspace_id=caller.workspace_id,
    )
    body.parsed()
    return request


def _further_counts(body: RequestBody) -> int:
    return body.received // _BYTES_OF_A_COUNT + body.values // _VALUES_OF_A_COUNT
