"""What all endpoints for calls share: reading headers and body, and turning errors into HTTP."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from uuid import UUID

from starlette.types import Receive, Scope, Send

from gateway.call import Caller, CallerGone
from gateway.errors import GatewayError, InternalFailure
from gateway.http import cors, labels, request_body
from gateway.http.request_headers import headers_of
from gateway.http.responses import error_response, new_request_id
from gateway.limits import offload
from gateway.pipeline.serve import AnswerCutShort
from gateway.request import parse
from gateway.request.parse import MessagesRequest
from gateway.runtime.services import GatewayServices

logger = logging.getLogger(__name__)

__all__ = ["answer_or_error", "checked_request", "headers_of"]


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
    except (CallerGone, AnswerCutShort):
        return
    except GatewayError as error:
        await error_response(error, request_id, error_headers)(scope, receive, send)
    except Exception:
        logger.exception("request req_%s failed", request_id.hex)
        failure = InternalFailure()
        await error_response(failure, request_id, error_headers)(scope, receive, send)


async def checked_request(
    services: GatewayServices,
    caller: Caller,
    headers: Mapping[str, str],
    receive: Receive,
    request_id: UUID,
) -> tuple[Caller, MessagesRequest]:
    """Read and check the body; return it, and the caller with the call's labels.

    Raises InvalidRequest, BodyTooLarge, CallerGone. A call that is refused has its record queued.
    """
    try:
        body = await request_body.checked(headers, receive)
        request = await offload.run(partial(parse.messages_request, body), size_bytes=len(body))
        return labels.labelled(caller, headers, request), request
    except GatewayError as error:
        services.refusals.note(caller, request_id, error)
        raise
