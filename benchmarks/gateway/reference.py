"""The reference for the product's figures: Starlette and aiohttp that only pass bytes on.

It runs on the same server with the same options; `UPSTREAM` in the environment is its upstream.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

_UPSTREAM = os.environ.get("UPSTREAM", "")


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
        yield {"session": session}


async def _messages(request: Request) -> Response:
    session: aiohttp.ClientSession = request.state.session
    body = await request.body()
    headers = {"content-type": "application/json"}
    upstream = await session.post(f"{_UPSTREAM}/v1/messages", data=body, headers=headers)
    if upstream.content_type == "text/event-stream":
        return StreamingResponse(_chunks(upstream), media_type=upstream.content_type)
    async with upstream:
        return Response(await upstream.read(), media_type=upstream.content_type)


async def _chunks(upstream: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    async with upstream:
        async for chunk in upstream.content.iter_any():
            yield chunk


app = Starlette(routes=[Route("/v1/messages", _messages, methods=["POST"])], lifespan=_lifespan)
