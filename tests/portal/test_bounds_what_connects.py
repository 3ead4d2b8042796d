"""Who connects and never comes to a request: a head without end, a head that does not arrive."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from caicaini_portal.http_protocol import HttpProtocol

SOON_S = 0.3
REQUEST = b"POST / HTTP/1.1\r\nhost: here\r\ncontent-length: %d\r\n\r\n"


class Impatient(HttpProtocol):
    head_within_s = SOON_S


async def count_body(scope: Scope, receive: Receive, send: Send) -> None:
    body = await Request(scope, receive).body()
    await PlainTextResponse(str(len(body)))(scope, receive, send)


@asynccontextmanager
async def served(protocol: type[HttpProtocol]) -> AsyncIterator[int]:
    """The port of a server with that protocol."""
    place = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(count_body, http=protocol, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[place]))
    try:
        yield place.getsockname()[1]
    finally:
        server.should_exit = True
        await serving


async def answer_to(reader: asyncio.StreamReader) -> bytes:
    """Read one short answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    return await reader.readexactly(length)


@pytest.mark.parametrize("piece", [b"x-more: and more\r\n" * 100, b"m" * 2_000])
async def test_headers_without_end_are_refused(piece: bytes) -> None:
    async with served(HttpProtocol) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nhost: here\r\nx-long: ")
        sent = 0
        while not reader.at_eof() and sent < 10_000_000:
            writer.write(piece)
            sent += len(piece)
            try:
                await writer.drain()
            except ConnectionError:
                break
            await asyncio.sleep(0)

        assert sent < 2_000_000
        writer.close()


async def test_a_large_head_is_taken_and_a_larger_one_refused_with_400() -> None:
    async with served(HttpProtocol) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for size, told in ((40_000, b"200 OK"), (70_000, b"400 Bad Request")):
            writer.write(b"GET / HTTP/1.1\r\nhost: here\r\nx-long: " + b"m" * size)
            await writer.drain()
            await asyncio.sleep(SOON_S)
            if told == b"200 OK":
                writer.write(b"\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            assert told in head
            await reader.readexactly(1)
        writer.close()


async def test_who_says_nothing_is_not_waited_for() -> None:
    async with served(Impatient) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()


@pytest.mark.parametrize("is_first", [True, False])
async def test_a_head_that_does_not_arrive_is_not_waited_for(is_first: bool) -> None:
    async with served(Impatient) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        if not is_first:
            writer.write(REQUEST % 2 + b"ab")
            assert await answer_to(reader) == b"2"
        writer.write(b"GET / HTTP/1.1\r\nhost: he")

        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()


async def test_a_body_may_be_large_and_late_and_another_request_may_follow() -> None:
    async with served(Impatient) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(3):
            writer.write(REQUEST % 1_000_001 + b"a" * 1_000_000)
            await asyncio.sleep(2 * SOON_S)
            writer.write(b"b")
            assert await answer_to(reader) == b"1000001"
        writer.close()
