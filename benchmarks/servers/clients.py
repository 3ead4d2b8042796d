"""One way to POST a body and read the answer, for each HTTP client that is compared."""

from collections.abc import Awaitable, Callable

import aiohttp
from pyreqwest.client import ClientBuilder

Post = Callable[[str, bytes], Awaitable[bytes]]

_JSON = {"content-type": "application/json"}


def with_aiohttp() -> Post:
    """Use one session without a limit of connections."""
    connector = aiohttp.TCPConnector(limit=0)
    session = aiohttp.ClientSession(connector=connector, auto_decompress=False)

    async def post(url: str, body: bytes) -> bytes:
        async with session.post(url, data=body, headers=_JSON) as response:
            return await response.read()

    return post


def with_pyreqwest() -> Post:
    """Use one client; it works in its own threads, outside Python."""
    client = ClientBuilder().http1_only().build()

    async def post(url: str, body: bytes) -> bytes:
        response = await client.post(url).headers(_JSON).body_bytes(body).build().send()
        return bytes(await response.bytes())

    return post


def without_client() -> Post:
    """Send the body back: measures the cost of the server alone."""

    async def post(url: str, body: bytes) -> bytes:
        return body

    return post


CLIENTS: dict[str, Callable[[], Post]] = {
    "no client": without_client,
    "aiohttp": with_aiohttp,
    "pyreqwest": with_pyreqwest,
}
