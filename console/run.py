"""POST /developers/console/run: a call as at the API, paid by the workspace of the session."""

from collections.abc import Mapping
from functools import partial
from uuid import UUID

from starlette.types import Receive, Scope, Send

from accounts.access import KEY_ROLES
from billing.models import Source
from console import run_names
from console.admission import Member, admitted
from console.request_head import header_of
from gateway.call import Caller, Head
from gateway.http import endpoint
from gateway.http.sinks import HttpSink, RawHeaders
from gateway.pipeline.serve import Policy, begin, end, serve
from gateway.runtime.services import GatewayServices

NO_STORE: Mapping[str, str] = {"cache-control": "no-store"}
_POLICY = Policy()


class PageSink(HttpSink):
    """The API's answer for a page of ours, which also learns what is held for it."""

    def own_headers(self, head: Head) -> RawHeaders:
        """Return the credits held; no other site's page may read the answer."""
        return [(b"caicaini-credits-held", b"%d" % head.credits_held)]


class Run:
    """The endpoint for calls from the console and from examples in the docs."""

    access_policy = f"member: {', '.join(KEY_ROLES)}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens."""
        work = partial(_serve, scope, receive, send)
        await endpoint.answer_or_error(work, scope, receive, send, error_headers=NO_STORE)


def caller_of(member: Member) -> Caller:
    """Return the caller that a member stands for."""
    return Caller(workspace_id=member.workspace_id, source=Source.CONSOLE, member_id=member.user_id)


async def _serve(scope: Scope, receive: Receive, send: Send, request_id: UUID) -> None:
    services: GatewayServices = scope["state"]["services"]
    headers = endpoint.headers_of(scope)
    member = await admitted(scope, receive)
    caller = caller_of(member)
    async with endpoint.body_of(services, caller, headers, receive) as body:
        await begin(services, caller, request_id)
        try:
            labelled, request = await endpoint.labelled_request(
                services, caller, headers, body, request_id
            )
            name = header_of(scope, run_names.HEADER)
            await run_names.keep(services.redis, member, name, request_id)
            await serve(
                services,
                labelled,
                request,
                PageSink(scope, receive, send),
                _POLICY,
                request_id=request_id,
                beta=headers.get("anthropic-beta") or None,
                is_begun=True,
            )
        finally:
            end(services, caller)
