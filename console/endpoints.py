"""The addresses that are bare ASGI endpoints beside Django's views."""

from uuid import UUID

from starlette.types import ASGIApp, Receive, Scope, Send

from console.check import Check
from console.demo import DemoRun
from console.run import NO_STORE, Run
from gateway.errors import MethodNotAllowed
from gateway.http import endpoint

# Each declares its `access_policy` as views do (accounts/access.py).
ENDPOINTS: dict[str, ASGIApp] = {
    "/developers/console/run": Run(),
    "/developers/console/check": Check(),
    "/demo/run": DemoRun(),
}


async def post_only(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request to one of ENDPOINTS, all of which take only POST."""
    if scope["method"] == "POST":
        await ENDPOINTS[scope["path"]](scope, receive, send)
        return

    async def refuse(_request_id: UUID) -> None:
        raise MethodNotAllowed(scope["method"], allowed="POST")

    await endpoint.answer_or_error(refuse, scope, receive, send, error_headers=NO_STORE)
