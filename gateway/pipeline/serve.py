"""A call as a function: from a caller and a checked request to a settled answer in a sink.

The HTTP endpoint is one caller of it. Nothing in this package knows ASGI.
"""

import asyncio
import logging
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from gateway.call import Call, Caller, CallerGone
from gateway.errors import GatewayError, InternalFailure, OutOfCredits
from gateway.limits import offload
from gateway.limits.rate_limiter import RateLimitState, TooManyRequests
from gateway.pipeline import admission, run
from gateway.pipeline.run import Served
from gateway.pipeline.sink import DisconnectWatch, FanOut, OnDisconnect, Sink
from gateway.reply import token_usage
from gateway.request.parse import MessagesRequest
from gateway.runtime.services import GatewayServices

logger = logging.getLogger(__name__)

__all__ = ["AnswerCutShort", "OnDisconnect", "Policy", "Served", "Sink", "begin", "end", "serve"]


class AnswerCutShort(Exception):
    """A stream could not be ended in order; an error is the last frame that its sink received."""


class Policy(NamedTuple):
    """How a call is run."""

    on_disconnect: OnDisconnect = OnDisconnect.CANCEL


async def serve(
    services: GatewayServices,
    caller: Caller,
    request: MessagesRequest,
    sink: Sink,
    policy: Policy,
    *,
    request_id: UUID | None = None,
    beta: str | None = None,
    version: str | None = None,
    is_begun: bool = False,
) -> Served:
    """Run one call: count it against the limits, hold credits, ask upstreams, settle, answer.

    Returns once the sink has received everything and the charge is written. A call that is refused
    before credits are held has its record queued. Raises a GatewayError while the sink has received
    nothing; later, the error is the stream's last frame. Raises CallerGone if the sink has gone and
    the policy cancels the call then, and AnswerCutShort if a fault of ours left a stream without
    its end.

    `request_id` is the id in the record; `beta` and `version` are the values of `anthropic-beta`
    and `anthropic-version` for the upstream.
    `is_begun` is true for a caller that has called `begin` before it read the body.
    """
    call = Call(
        id=request_id or uuid4(), caller=caller, request=request, beta=beta, version=version
    )
    if not is_begun:
        await begin(services, caller, call.id)
    try:
        if services.limiter.is_behind(caller.workspace_id):
            await services.limiter.sync()
        call.rate_limits = _admit_tokens(services, caller.workspace_id, request)
        if policy.on_disconnect is OnDisconnect.FINISH:
            return await _to_the_end(services, call, sink)
        return await _while_read(services, call, sink)
    except GatewayError as error:
        if isinstance(error, OutOfCredits):
            _charge_attachments(services, caller.workspace_id, request)
        services.refusals.note(caller, call.id, error, call)
        raise
    finally:
        if not is_begun:
            end(services, caller)


def _admit_tokens(
    services: GatewayServices, workspace_id: int, request: MessagesRequest
) -> RateLimitState:
    """Count the tokens of a call. A large one that is refused has taken time too, and would come
    again and again: it counts in part, so that soon its body is not read."""
    tokens = max(token_usage.estimate_tokens(request.text_bytes), request.least_tokens)
    try:
        return services.limiter.admit_tokens(workspace_id, tokens)
    except TooManyRequests as error:
        never_fits = error.retry_after_s is None
        is_large = request.body_bytes > offload.SMALL_BYTES
        refused = tokens if never_fits and is_large else request.least_tokens
        services.limiter.charge_refused(workspace_id, refused)
        raise


def _charge_attachments(
    services: GatewayServices, workspace_id: int, request: MessagesRequest
) -> None:
    """Count the images of a large call that could not be paid for as if they were text: they have
    taken as much time as an invalid body, and its text is counted already."""
    if request.body_bytes > offload.SMALL_BYTES:
        tokens = token_usage.estimate_tokens(request.attachment_bytes)
        services.limiter.charge_refused(workspace_id, tokens)


async def begin(services: GatewayServices, caller: Caller, request_id: UUID) -> None:
    """Count a call against the limits of calls, before its body takes any room; see `end`.

    Raises GatewayOverloaded, RateLimited; then it is not counted as running, and has its record
    queued.
    """
    try:
        services.concurrency.begin(
            caller.concurrency_key, workspace_id=caller.workspace_id, holder=caller.holder
        )
        try:
            if services.limiter.is_behind(caller.workspace_id):
                await services.limiter.sync()
            services.limiter.admit_request(caller.workspace_id)
        except BaseException:
            end(services, caller)
            raise
    except GatewayError as error:
        services.refusals.note(caller, request_id, error)
        raise


def end(services: GatewayServices, caller: Caller) -> None:
    """Stop counting a call that `begin` counted."""
    services.concurrency.end(caller.concurrency_key, workspace_id=caller.workspace_id)


async def _while_read(services: GatewayServices, call: Call, sink: Sink) -> Served:
    """Run the call in the current task, and cancel it when the sink has gone.

    A task of its own would cost each call about ten microseconds. What ends the current task ends
    such a call anyway.
    """
    task = asyncio.current_task()
    assert task is not None, "a call runs in a task"
    out = FanOut(call, sink, on_disconnect=OnDisconnect.CANCEL)
    watch = DisconnectWatch(sink, out, cancels=task)
    services.drain.watch(task, call)
    try:
        return await _run(services, call, out)
    finally:
        watch.end()
        services.drain.forget(task)


async def _to_the_end(services: GatewayServices, call: Call, sink: Sink) -> Served:
    """Run the call in a task of its own, which neither the sink nor the current task ends."""
    out = FanOut(call, sink, on_disconnect=OnDisconnect.FINISH)
    task = asyncio.create_task(_run(services, call, out))
    services.drain.watch(task, call)
    task.add_done_callback(services.drain.forget)
    task.add_done_callback(_retrieve)  # nobody awaits it if the current task is cancelled
    watch = DisconnectWatch(sink, out, cancels=None)
    try:
        return await asyncio.shield(task)
    finally:
        watch.end()


def _retrieve(task: "asyncio.Task[Any]") -> None:
    """Read a task's exception, so that asyncio does not report it as never retrieved."""
    if not task.cancelled():
        task.exception()


async def _run(services: GatewayServices, call: Call, out: FanOut) -> Served:
    try:
        await admission.admit(services, call)
        if not call.request.stream:
            return await run.answer(services, call, out)
        served = await _stream(services, call, out)
        await out.close()
        return served
    except asyncio.CancelledError:
        cut = run.cut_of(call)
        if cut is not None and not out.is_open:  # while credits were being held
            raise cut from None
        if out.is_caller_gone:
            raise CallerGone from None
        raise  # the server gives up: it disconnected the caller, or its window is over


async def _stream(services: GatewayServices, call: Call, out: FanOut) -> Served:
    try:
        return await run.stream(services, call, out)
    except CallerGone:
        raise
    except Exception:
        if not out.is_open:
            raise
        # The end could not be written. Some clients take a bare close for success.
        logger.exception("the stream of %s ended without its last event", call.request_id)
        await out.send(InternalFailure().frame(call.request_id))
        await out.close()
        raise AnswerCutShort from None
