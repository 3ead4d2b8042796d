"""A draining server closes no connection without notice: the client might just be using it."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from server.http_protocol import HttpProtocol
from tests.server.test_http_protocol import Served, connect, request, served
from tests.support.waiting import eventually


class LongIdle(HttpProtocol):
    idle_while_draining_s = 600


class ShortIdle(HttpProtocol):
    idle_while_draining_s = 1


@dataclass
class Drain:
    """What the application's lifespan passes on."""

    is_draining: bool = False
    keeps_idle_connections: bool = True


@pytest.fixture
def server() -> Iterator[Served]:
    with served(LongIdle, drain_window_s=60) as running:
        yield running


@pytest.fixture
def short_idle() -> Iterator[Served]:
    with served(ShortIdle, drain_window_s=60) as running:
        yield running


async def response(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Read one response; return its head and its body."""
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
    if b"transfer-encoding: chunked" in head:
        return head, await asyncio.wait_for(reader.readuntil(b"0\r\n\r\n"), 60)
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    return head, await asyncio.wait_for(reader.readexactly(length), 60)


async def begin_draining(server: Served) -> None:
    server.server.should_exit = True
    await asyncio.to_thread(eventually, lambda: not server.accepts(), what="the closed listener")


async def test_the_next_request_on_an_idle_connection_is_answered_with_connection_close(
    server: Served,
) -> None:
    reader, writer = await connect(server.port)
    writer.write(request())
    head, _ = await response(reader)
    assert b"connection: close" not in head

    await begin_draining(server)
    writer.write(request(length=3) + b"abc")

    head, body = await response(reader)
    assert b"connection: close" in head
    assert body == b"3"
    assert await asyncio.wait_for(reader.read(), 60) == b""


async def test_the_first_request_on_a_new_connection_is_answered_too(server: Served) -> None:
    reader, writer = await connect(server.port)
    await asyncio.to_thread(eventually, lambda: server.connections == 1, what="the connection")

    await begin_draining(server)
    writer.write(request())

    head, _ = await response(reader)
    assert b"connection: close" in head


async def test_a_running_call_that_has_not_begun_its_answer_ends_with_connection_close(
    server: Served,
) -> None:
    reader, writer = await connect(server.port)
    writer.write(request(length=3) + b"a")
    await asyncio.to_thread(eventually, lambda: server.calls == 1, what="the call")

    await begin_draining(server)
    writer.write(b"bc")

    head, body = await response(reader)
    assert b"connection: close" in head
    assert body == b"3"


async def test_after_a_stream_that_began_before_the_drain_another_request_is_answered(
    server: Served,
) -> None:
    """The stream's head could not announce that the connection will be closed."""
    reader, writer = await connect(server.port)
    writer.write(request("/slow"))
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
    assert b"connection: close" not in head

    await begin_draining(server)
    await asyncio.wait_for(reader.readuntil(b"0\r\n\r\n"), 60)
    writer.write(request())

    head, _ = await response(reader)
    assert b"connection: close" in head


async def test_idle_connections_are_closed_after_a_while(short_idle: Served) -> None:
    idle, _ = await connect(short_idle.port)
    used, writer = await connect(short_idle.port)
    writer.write(request())
    await response(used)

    await begin_draining(short_idle)

    assert await asyncio.wait_for(idle.read(), 60) == b""
    assert await asyncio.wait_for(used.read(), 60) == b""


async def test_idle_connections_are_closed_at_once_when_no_other_process_takes_over(
    server: Served,
) -> None:
    reader, writer = await connect(server.port)
    writer.write(request())
    await response(reader)
    server.share_drain(Drain(is_draining=True, keeps_idle_connections=False))

    server.server.should_exit = True

    assert await asyncio.wait_for(reader.read(), 60) == b""


async def test_a_connection_accepted_in_the_last_moment_is_told_too(server: Served) -> None:
    """Between the signal and the closing of the listener: `shutdown` may miss it."""
    server.share_drain(Drain(is_draining=True))
    reader, writer = await connect(server.port)
    writer.write(request())

    head, _ = await response(reader)

    assert b"connection: close" in head
