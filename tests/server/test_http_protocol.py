"""Connections without an end: endless headers, pipelined requests, waits, unread answers."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
import uvicorn
import uvloop
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from server.http_protocol import CONNECTION, HttpProtocol
from tests.support.waiting import eventually

SHORT_S = 1.0
LONG_S = 5.0  # far longer than a delay of a busy machine
# For each of the kernel's socket buffers, which can grow to megabytes by default.
BUFFER_BYTES = 64 * 1024
LARGE = 20_000_000


class ShortTimeout(HttpProtocol):
    timeout_s = SHORT_S


class LongTimeout(HttpProtocol):
    timeout_s = LONG_S
    least_body_rate = 0


class LeastRate(HttpProtocol):
    timeout_s = SHORT_S
    least_body_rate = 100


class LeastReading(HttpProtocol):
    timeout_s = SHORT_S
    least_reading_rate = 10_000_000


@dataclass
class Served:
    """A server on uvloop, as in production, and what its application received."""

    port: int
    server: uvicorn.Server
    seen: list[tuple[bytes, bytes]]
    disconnects: int = 0
    calls: int = 0

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.calls += 1
        request = Request(scope, receive)
        if scope["path"] == "/large":
            await PlainTextResponse("l" * LARGE)(scope, receive, send)
        elif scope["path"] == "/pieces":
            pieces = _pieces(int(scope["query_string"]))
            await StreamingResponse(pieces)(scope, receive, send)
        elif scope["path"] == "/slow":
            await StreamingResponse(_slowly())(scope, receive, send)
        elif scope["path"] == "/hang":
            await self._await_disconnect(receive)
        elif scope["path"] == "/hang-without-a-task":
            await scope[CONNECTION].future_disconnect()
            self.disconnects += 1
        elif scope["path"] == "/pour":
            waiting = asyncio.create_task(self._await_disconnect(receive))
            await send({"type": "http.response.start", "status": 200, "headers": []})
            while not waiting.done():
                await send(
                    {"type": "http.response.body", "body": b"w" * 100_000, "more_body": True}
                )
                await asyncio.sleep(0.02)
        else:
            body = await request.body()
            self.seen += scope["headers"]
            await PlainTextResponse(str(len(body)))(scope, receive, send)

    async def _await_disconnect(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.disconnects += 1

    @property
    def connections(self) -> int:
        return len(self.server.server_state.connections)

    def accepts(self) -> bool:
        """Whether it accepts new connections."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            return True
        return False

    def share_drain(self, drain: object) -> None:
        """Share it with the connections, as an application does by its lifespan."""
        eventually(lambda: self.server.started, what="the server's start")
        self.server.lifespan.state["drain"] = drain


async def _slowly() -> AsyncIterator[str]:
    for _ in range(5):
        yield "word "
        await asyncio.sleep(0.3 * SHORT_S)


async def _pieces(count: int) -> AsyncIterator[str]:
    for _ in range(count):
        yield "p" * 4_000


@contextmanager
def served(
    protocol: type[HttpToolsProtocol], *, drain_window_s: int = 1, is_inherited: bool = False
) -> Iterator[Served]:
    """Serve for the block; on a socket that uvicorn knows by its file descriptor if inherited."""
    listener = socket.create_server(("127.0.0.1", 0))
    _limit_buffers(listener)  # accepted sockets inherit it
    config = uvicorn.Config(
        lambda *call: it.app(*call),
        http=protocol,
        interface="asgi3",
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=drain_window_s,
        fd=listener.fileno() if is_inherited else None,
    )
    it = Served(listener.getsockname()[1], uvicorn.Server(config), [])
    # A daemon thread: a connection that never ends must not keep the suite from ending.
    thread = threading.Thread(
        target=lambda: uvloop.run(it.server.serve(None if is_inherited else [listener])),
        daemon=True,
    )
    thread.start()
    try:
        yield it
    finally:
        it.server.should_exit = True
        it.server.force_exit = True  # do not wait for what a test left open
        thread.join(10)


@pytest.fixture
def default_server() -> Iterator[Served]:
    with served(HttpProtocol) as running:
        yield running


@pytest.fixture
def long_timeout() -> Iterator[Served]:
    with served(LongTimeout) as running:
        yield running


@pytest.fixture
def least_rate() -> Iterator[Served]:
    with served(LeastRate) as running:
        yield running


@pytest.fixture
def short_timeout() -> Iterator[Served]:
    with served(ShortTimeout) as running:
        yield running


def _limit_buffers(one: socket.socket) -> None:
    for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        one.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)


async def connect(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect with small socket buffers in both directions."""
    caller = socket.socket()
    _limit_buffers(caller)
    caller.connect(("127.0.0.1", port))
    caller.setblocking(False)
    return await asyncio.open_connection(sock=caller, limit=BUFFER_BYTES)


def request(path: str = "/", *, length: int = 0, more: str = "") -> bytes:
    return f"POST {path} HTTP/1.1\r\nhost: here\r\ncontent-length: {length}\r\n{more}\r\n".encode()


async def answer_to(reader: asyncio.StreamReader) -> bytes:
    """Read one short answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    return await reader.readexactly(length)


async def flood(port: int, beginning: bytes, piece: bytes) -> int:
    """Send until the connection ends; return the number of bytes sent, 10 MB at most."""
    reader, writer = await connect(port)
    writer.write(beginning)
    sent = 0
    while not reader.at_eof() and sent < 10_000_000:
        writer.write(piece)
        sent += len(piece)
        try:
            await writer.drain()
        except ConnectionError:
            break
        await asyncio.sleep(0)
    writer.close()
    return sent


CHUNKED = b"POST / HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n"


@pytest.mark.parametrize(
    ("beginning", "piece"),
    [
        (b"GET / HTTP/1.1\r\nhost: here\r\n", b"x-more: and more\r\n" * 100),
        (b"GET / HTTP/1.1\r\nhost: here\r\nx-long: ", b"m" * 2_000),
        (b"GET /", b"m" * 2_000),
        (CHUNKED + b"0\r\n", b"x-more: and more\r\n" * 100),
        (CHUNKED + b"1;", b"m" * 2_000),
        (request(), b"\r\n" * 1_000),
        (request("/slow"), request() * 50),
    ],
    ids=["headers", "header", "address", "trailers", "chunk extension", "empty lines", "requests"],
)
async def test_an_endless_request_is_ended(
    default_server: Served, beginning: bytes, piece: bytes
) -> None:
    assert await flood(default_server.port, beginning, piece) < 5_000_000
    assert default_server.calls < 100


async def test_a_large_head_is_accepted_and_a_larger_one_refused(default_server: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", default_server.port)
    writer.write(request(more=f"x-long: {'m' * 40_000}\r\n"))
    assert await answer_to(reader) == b"0"

    writer.write(b"GET / HTTP/1.1\r\nhost: here\r\nx-long: " + b"m" * 70_000)
    assert b"400 Bad Request" in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
    writer.close()


async def test_the_start_of_another_head_after_a_large_body_is_accepted(
    default_server: Served,
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", default_server.port)
    writer.write(request(length=100_000) + b"b" * 100_000 + request()[:20])
    assert await answer_to(reader) == b"100000"

    writer.write(request()[20:])
    assert await answer_to(reader) == b"0"
    writer.close()


async def test_a_trailer_is_not_a_header(default_server: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", default_server.port)
    writer.write(CHUNKED + b"0\r\nx-forwarded-for: 6.6.6.6\r\n\r\n")

    assert await answer_to(reader) == b"1"
    assert b"x-forwarded-for" not in dict(default_server.seen)
    writer.close()


OFFER = "connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n"
OFFERING = request(length=100, more=OFFER)
CHUNKED_OFFER = request(more=OFFER).replace(b"content-length: 0", b"transfer-encoding: chunked")


@pytest.mark.parametrize(
    "parts",
    [
        [OFFERING + b"b" * 100 + request(length=7, more=OFFER) + b"another"],
        [OFFERING, request().ljust(100), request(length=7), b"another"],
        [OFFERING[:30], OFFERING[30:] + b"b" * 50, b"b" * 50 + request(length=7) + b"another"],
        [
            CHUNKED_OFFER,
            b"64\r\n" + request().ljust(100) + b"\r\n0\r\n\r\n",
            request(length=7) + b"another",
        ],
    ],
    ids=["at once", "body later", "in pieces", "chunked"],
)
async def test_an_offer_of_another_protocol_is_ignored(
    default_server: Served, parts: list[bytes]
) -> None:
    """The body stays a body, also one that looks like a request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", default_server.port)
    for part in parts:
        writer.write(part)
        await asyncio.sleep(0.05)  # a packet of its own

    assert [await answer_to(reader), await answer_to(reader)] == [b"100", b"7"]
    assert default_server.calls == 2
    writer.close()


async def test_an_invalid_body_is_answered_with_400(default_server: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", default_server.port)
    writer.write(CHUNKED + b"not a number\r\n")

    assert (await asyncio.wait_for(reader.read(), 60)).startswith(b"HTTP/1.1 400 ")
    writer.close()


async def test_an_invalid_second_request_is_not_answered_in_the_place_of_the_first(
    default_server: Served,
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", default_server.port)
    writer.write(request("/hang"))
    await asyncio.to_thread(eventually, lambda: default_server.calls == 1, what="the request")
    writer.write(b"nonsense\r\n\r\n")

    assert await asyncio.wait_for(reader.read(), 60) == b""
    writer.close()


async def test_connect_is_refused(default_server: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", default_server.port)
    writer.write(b"CONNECT elsewhere:443 HTTP/1.1\r\nhost: elsewhere:443\r\n\r\n")

    assert (await asyncio.wait_for(reader.read(), 60)).startswith(b"HTTP/1.1 400 ")
    assert default_server.calls == 0
    writer.close()


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (b"", b""),
        (b"", b"GET / HTTP/1.1\r\nhost: he"),
        (request(), b"GET / HTTP/1.1\r\nhost: he"),
        (request(), b"\r\n"),
        (b"", request(length=10) + b"only"),
    ],
    ids=["nothing", "half a head", "half a second head", "an empty line", "half a body"],
)
async def test_a_wait_for_more_of_a_request_times_out(
    short_timeout: Served, first: bytes, last: bytes
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", short_timeout.port)
    if first:
        writer.write(first)
        await answer_to(reader)
    writer.write(last)

    assert await asyncio.wait_for(reader.read(), 60) == b""
    writer.close()


async def test_a_slow_body_is_read_and_another_request_after_it(long_timeout: Served) -> None:
    """In total the body takes longer than the timeout; no single wait does."""
    reader, writer = await asyncio.open_connection("127.0.0.1", long_timeout.port)
    writer.write(request(length=40))
    for _ in range(40):
        await asyncio.sleep(2.4 * LONG_S / 40)
        writer.write(b"b")
    assert await answer_to(reader) == b"40"

    writer.write(request())
    assert await answer_to(reader) == b"0"
    writer.close()


async def test_a_body_that_trickles_is_ended(least_rate: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", least_rate.port)
    writer.write(request(length=1_000_000))

    async def trickle() -> None:
        while not writer.is_closing():
            writer.write(b"b")
            await asyncio.sleep(SHORT_S / 4)

    trickling = asyncio.create_task(trickle())
    with contextlib.suppress(ConnectionResetError):
        assert await asyncio.wait_for(reader.read(), 60) == b""
    trickling.cancel()
    writer.close()


async def test_a_body_at_more_than_the_least_rate_may_take_its_time(least_rate: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", least_rate.port)
    writer.write(request(length=200_000))
    for _ in range(20):
        await asyncio.sleep(SHORT_S / 5)
        writer.write(b"b" * 10_000)

    assert await answer_to(reader) == b"200000"
    writer.close()


async def test_a_partial_second_request_does_not_end_the_first_answer(
    short_timeout: Served,
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", short_timeout.port)
    writer.write(request("/slow") + request()[:20])

    answer = await asyncio.wait_for(reader.readuntil(b"0\r\n\r\n"), 60)
    assert answer.count(b"word ") == 5
    writer.close()


@pytest.mark.parametrize("path", ["/large", "/pour"])
async def test_an_answer_that_nobody_reads_is_dropped(short_timeout: Served, path: str) -> None:
    _, writer = await connect(short_timeout.port)
    writer.write(request(path))

    await asyncio.to_thread(eventually, lambda: short_timeout.calls == 1, what="the request")
    await asyncio.to_thread(eventually, lambda: not short_timeout.connections, what="the end")
    writer.close()


async def test_an_answer_that_is_read_a_little_at_a_time_is_dropped() -> None:
    """Each would be in memory for hours."""
    with served(LeastReading) as server:
        reader, writer = await connect(server.port)
        writer.write(request("/large"))

        read = 0
        with contextlib.suppress(OSError):
            while piece := await reader.read(1_000):
                read += len(piece)
                await asyncio.sleep(0.01)

        assert 0 < read < LARGE
        await asyncio.to_thread(eventually, lambda: not server.connections, what="the end")
        writer.close()


async def test_the_unread_end_of_an_answer_is_dropped_too(short_timeout: Served) -> None:
    """Also where it is too short to pause the writing: some of these answers end like that."""
    writers = []
    for count in range(25, 200, 5):
        _, writer = await connect(short_timeout.port)
        writer.write(request(f"/pieces?{count}", more="connection: close\r\n"))
        writers.append(writer)

    calls = len(writers)
    await asyncio.to_thread(eventually, lambda: short_timeout.calls == calls, what="the requests")
    await asyncio.to_thread(eventually, lambda: not short_timeout.connections, what="the end")
    for writer in writers:
        writer.close()


HANG = request("/hang-without-a-task")


@pytest.mark.parametrize(
    "sent", [request("/hang"), request("/pour") + request(), HANG, HANG + request()]
)
async def test_a_disconnect_reaches_the_call_with_or_without_pipelined_requests(
    default_server: Served, sent: bytes
) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", default_server.port)
    writer.write(sent)
    await asyncio.to_thread(eventually, lambda: default_server.calls == 1, what="the request")
    writer.close()

    await asyncio.to_thread(
        eventually, lambda: default_server.disconnects == 1, what="the disconnect"
    )


@pytest.mark.parametrize("is_inherited", [False, True])
async def test_an_answer_is_sent_without_delay(is_inherited: bool) -> None:
    """With Nagle's algorithm, events of a stream would wait for the client's acknowledgements."""
    with served(HttpProtocol, is_inherited=is_inherited) as server:
        reader, writer = await connect(server.port)
        writer.write(request())
        assert await answer_to(reader) == b"0"

        [protocol] = server.server.server_state.connections

        accepted = protocol.transport.get_extra_info("socket")
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        writer.close()
