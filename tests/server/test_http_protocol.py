"""Connections that would take without end: headers, requests ahead, time, unread answers."""

import asyncio
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

from server.http_protocol import HttpProtocol
from tests.support.waiting import eventually

SOON_S = 1.0
LATER_S = 5.0  # far longer than a busy machine lets anybody wait
# Of what the kernel keeps for either side. Left to itself it may keep megabytes.
BUFFER_BYTES = 64 * 1024
LARGE = 20_000_000


class Impatient(HttpProtocol):
    patience_s = SOON_S


class Forbearing(HttpProtocol):
    patience_s = LATER_S


@dataclass
class Served:
    """A server on a loop of the kind that production has, and what its application saw."""

    port: int
    server: uvicorn.Server
    seen: list[tuple[bytes, bytes]]
    hang_ups: int = 0
    calls: int = 0

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.calls += 1
        request = Request(scope, receive)
        if scope["path"] == "/large":
            await PlainTextResponse("l" * LARGE)(scope, receive, send)
        elif scope["path"] == "/slow":
            await StreamingResponse(_slowly())(scope, receive, send)
        elif scope["path"] == "/hang":
            await self._hear_hang_up(receive)
        elif scope["path"] == "/pour":
            listening = asyncio.create_task(self._hear_hang_up(receive))
            await send({"type": "http.response.start", "status": 200, "headers": []})
            while not listening.done():
                await send(
                    {"type": "http.response.body", "body": b"w" * 100_000, "more_body": True}
                )
                await asyncio.sleep(0.02)
        else:
            body = await request.body()
            self.seen += scope["headers"]
            await PlainTextResponse(str(len(body)))(scope, receive, send)

    async def _hear_hang_up(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.hang_ups += 1

    @property
    def connections(self) -> int:
        return len(self.server.server_state.connections)


async def _slowly() -> AsyncIterator[str]:
    for _ in range(5):
        yield "word "
        await asyncio.sleep(0.3 * SOON_S)


@contextmanager
def served(protocol: type[HttpProtocol]) -> Iterator[Served]:
    place = socket.create_server(("127.0.0.1", 0))
    _bound_buffers(place)  # and with it all that is accepted there
    config = uvicorn.Config(
        lambda *call: it.app(*call),
        http=protocol,
        interface="asgi3",
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=1,
    )
    it = Served(place.getsockname()[1], uvicorn.Server(config), [])
    # A daemon: a connection that a test finds unbounded must not keep the suite from its end.
    thread = threading.Thread(
        target=lambda: uvloop.run(it.server.serve(sockets=[place])), daemon=True
    )
    thread.start()
    try:
        yield it
    finally:
        it.server.should_exit = True
        thread.join(10)


@pytest.fixture
def patient() -> Iterator[Served]:
    with served(HttpProtocol) as running:
        yield running


@pytest.fixture
def forbearing() -> Iterator[Served]:
    with served(Forbearing) as running:
        yield running


@pytest.fixture
def impatient() -> Iterator[Served]:
    with served(Impatient) as running:
        yield running


def _bound_buffers(one: socket.socket) -> None:
    for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        one.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)


async def connect(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect with little room for what was sent and not yet received, in either direction."""
    caller = socket.socket()
    _bound_buffers(caller)
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
    """Send until the connection ends; return how many bytes that took, 10 MB at most."""
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
async def test_what_has_no_end_is_ended(patient: Served, beginning: bytes, piece: bytes) -> None:
    assert await flood(patient.port, beginning, piece) < 5_000_000
    assert patient.calls < 100


async def test_a_large_head_is_taken_and_a_larger_one_refused(patient: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", patient.port)
    writer.write(request(more=f"x-long: {'m' * 40_000}\r\n"))
    assert await answer_to(reader) == b"0"

    writer.write(b"GET / HTTP/1.1\r\nhost: here\r\nx-long: " + b"m" * 70_000)
    assert b"400 Bad Request" in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
    writer.close()


async def test_the_beginning_of_another_head_behind_a_large_body_is_fine(patient: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", patient.port)
    writer.write(request(length=100_000) + b"b" * 100_000 + request()[:20])
    assert await answer_to(reader) == b"100000"

    writer.write(request()[20:])
    assert await answer_to(reader) == b"0"
    writer.close()


async def test_a_trailer_is_no_header(patient: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", patient.port)
    writer.write(CHUNKED + b"0\r\nx-forwarded-for: 6.6.6.6\r\n\r\n")

    assert await answer_to(reader) == b"1"
    assert b"x-forwarded-for" not in dict(patient.seen)
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
async def test_an_offer_of_another_protocol_is_passed_over(
    patient: Served, parts: list[bytes]
) -> None:
    """And the body is one, whatever it looks like."""
    reader, writer = await asyncio.open_connection("127.0.0.1", patient.port)
    for part in parts:
        writer.write(part)
        await asyncio.sleep(0.05)  # a packet of its own

    assert [await answer_to(reader), await answer_to(reader)] == [b"100", b"7"]
    assert patient.calls == 2
    writer.close()


async def test_who_sends_nonsense_for_a_body_is_told(patient: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", patient.port)
    writer.write(CHUNKED + b"no number\r\n")

    assert (await asyncio.wait_for(reader.read(), 60)).startswith(b"HTTP/1.1 400 ")
    writer.close()


async def test_nonsense_behind_a_request_is_not_its_answer(patient: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", patient.port)
    writer.write(request("/hang"))
    await asyncio.to_thread(eventually, lambda: patient.calls == 1, what="the request")
    writer.write(b"nonsense\r\n\r\n")

    assert await asyncio.wait_for(reader.read(), 60) == b""
    writer.close()


async def test_who_wants_a_tunnel_is_refused(patient: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", patient.port)
    writer.write(b"CONNECT elsewhere:443 HTTP/1.1\r\nhost: elsewhere:443\r\n\r\n")

    assert (await asyncio.wait_for(reader.read(), 60)).startswith(b"HTTP/1.1 400 ")
    assert patient.calls == 0
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
async def test_who_keeps_us_waiting_is_not_waited_for(
    impatient: Served, first: bytes, last: bytes
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", impatient.port)
    if first:
        writer.write(first)
        await answer_to(reader)
    writer.write(last)

    assert await asyncio.wait_for(reader.read(), 60) == b""
    writer.close()


async def test_a_body_may_come_bit_by_bit_and_another_request_after_it(forbearing: Served) -> None:
    """For longer than any one bit is waited for."""
    reader, writer = await asyncio.open_connection("127.0.0.1", forbearing.port)
    writer.write(request(length=40))
    for _ in range(40):
        await asyncio.sleep(1.2 * LATER_S / 40)
        writer.write(b"b")
    assert await answer_to(reader) == b"40"

    writer.write(request())
    assert await answer_to(reader) == b"0"
    writer.close()


async def test_an_answer_is_not_cut_by_what_comes_behind_its_request(impatient: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", impatient.port)
    writer.write(request("/slow") + request()[:20])

    answer = await asyncio.wait_for(reader.readuntil(b"0\r\n\r\n"), 60)
    assert answer.count(b"word ") == 5
    writer.close()


@pytest.mark.parametrize("path", ["/large", "/pour"])
async def test_an_answer_that_nobody_reads_is_dropped(impatient: Served, path: str) -> None:
    _, writer = await connect(impatient.port)
    writer.write(request(path))

    await asyncio.to_thread(eventually, lambda: impatient.calls == 1, what="the request")
    await asyncio.to_thread(eventually, lambda: not impatient.connections, what="the end")
    writer.close()


@pytest.mark.parametrize("sent", [request("/hang"), request("/pour") + request()])
async def test_a_hang_up_is_heard_whatever_was_sent_ahead(patient: Served, sent: bytes) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", patient.port)
    writer.write(sent)
    await asyncio.to_thread(eventually, lambda: patient.calls == 1, what="the request")
    writer.close()

    await asyncio.to_thread(eventually, lambda: patient.hang_ups == 1, what="the hang-up")
