"""POST /demo/run?question=0: a visitor's run on the landing page, paid by the demo wallet.

Only fixed questions are asked. Nothing of the request is read but the number of one.
"""

from functools import lru_cache
from urllib.parse import parse_qs
from uuid import UUID

import msgspec
import psycopg
from django.conf import settings
from starlette.types import Receive, Scope, Send

from billing import gateway_queries
from billing.models import Source
from console import demo_limits
from console.errors import DemoBudgetSpent, DemoBusy
from console.origins import require_own_origin
from console.run import NO_STORE, PageSink
from gateway.call import Caller
from gateway.errors import CreditsHeld, LedgerUnavailable, OutOfCredits, RouteNotFound
from gateway.http import endpoint, request_body
from gateway.pipeline.serve import Policy, serve
from gateway.request import parse
from gateway.request.parse import MessagesRequest
from gateway.runtime.services import GatewayServices
from gateway.upstreams.router import AUTO

QUESTIONS = (
    "What is an API? One sentence.",
    "Write one sentence about the sea.",
    "What does an API key do? One sentence.",
)
_MAX_TOKENS = 80
# The button sends no body. More than this is not even drained.
_LARGEST_BODY_BYTES = 16 * 1024
_POLICY = Policy()
_NO_WORKSPACE = 0  # shares the pool of reports as if all visitors were one workspace


class DemoRun:
    """The endpoint for visitors."""

    access_policy = "public"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens."""

        async def work(request_id: UUID) -> None:
            await _serve(scope, receive, send, request_id)

        await endpoint.answer_or_error(work, scope, receive, send, error_headers=NO_STORE)


@lru_cache(maxsize=len(QUESTIONS))
def request_for(question: str) -> MessagesRequest:
    """Return the request that asks one of the questions."""
    body = {
        "model": AUTO,
        "max_tokens": _MAX_TOKENS,
        "stream": True,
        "messages": [{"role": "user", "content": question}],
    }
    return parse.messages_request(msgspec.json.encode(body))


async def _serve(scope: Scope, receive: Receive, send: Send, request_id: UUID) -> None:
    services: GatewayServices = scope["state"]["services"]
    await request_body.discard(receive, limit_bytes=_LARGEST_BODY_BYTES)
    if not settings.DEMO_CREDITS_PER_DAY:
        raise RouteNotFound("This installation offers no demo.")
    require_own_origin(scope)
    request = request_for(_question(scope))
    workspace_id = await _workspace_id(services)
    async with demo_limits.counted(services.redis, scope, request_id):
        caller = Caller(workspace_id=workspace_id, source=Source.CONSOLE)
        sink = PageSink(scope, receive, send)
        try:
            await serve(services, caller, request, sink, _POLICY, request_id=request_id)
        except OutOfCredits:
            raise DemoBudgetSpent from None
        except CreditsHeld:
            raise DemoBusy from None


def _question(scope: Scope) -> str:
    """Return the question with the number in the query, or the first."""
    number = parse_qs(scope["query_string"].decode("latin-1")).get("question", ["0"])[0]
    is_known = number.isascii() and number.isdecimal() and int(number[:3]) < len(QUESTIONS)
    return QUESTIONS[int(number[:3])] if is_known else QUESTIONS[0]


async def _workspace_id(services: GatewayServices) -> int:
    try:
        async with services.reports.connection(_NO_WORKSPACE) as connection:
            found = await gateway_queries.demo_workspace_id(connection)
    except psycopg.OperationalError:
        raise LedgerUnavailable from None
    if found is None:
        raise DemoBudgetSpent  # not filled yet
    return found
