"""The heads of answers: byte for byte what uvicorn writes, and refused where it refuses them."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from server.http_protocol import HttpProtocol
from tests.server.test_http_protocol import Served, request, served

Headers = list[tuple[bytes, bytes]]

LENGTH = (b"content-length", b"4")
HEADERS: list[Headers] = [
    [],
    [LENGTH],
    [LENGTH, (b"content-type", b"application/json"), (b"x-quoted", b'a; b="c\t\xc3\xa9"')],
    [(b"set-cookie", b"a=1"), LENGTH, (b"set-cookie", b"b=2")],
    [(b"Content-Length", b"4"), (b"X-Name", b"Upper")],
    [LENGTH, (b"connection", b"close")],
    [(b"transfer-encoding", b"chunked")],
    [LENGTH, (b"x-empty", b"")],
]
INVALID: list[Headers] = [
    [LENGTH, (b"x-name", b"a\r\nset-cookie: b")],
    [LENGTH, (b"x-name", b"a\nb")],
    [LENGTH, (b"x-name", b"a\0b")],
    [LENGTH, (b"x name", b"a")],
    [LENGTH, (b"x-name:", b"a")],
    # One that a dictionary of the headers would hide.
    [LENGTH, (b"x-name", b"a\r\nb"), (b"x-name", b"c")],
    [LENGTH, (b"x-\r\nname", b"a")],
]
HTTP_1_0 = b"GET / HTTP/1.0\r\nhost: a\r\n\r\n"
HEAD = b"HEAD / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
CLOSE = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"


class WithoutAccessLog(HttpProtocol):
    """As in production. Where something collects the log, as pytest does, uvicorn writes one."""

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.access_log = False


class Scripted:
    """An application that answers with the given status and headers and four bytes of body."""

    def __init__(self, status: int, headers: Headers) -> None:
        self.status = status
        self.headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b"" if self.status in (204, 304) else b"body"
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def ours() -> Iterator[Served]:
    with served(WithoutAccessLog) as running:
        yield running


@pytest.fixture(scope="module")
def uvicorns() -> Iterator[Served]:
    with served(HttpToolsProtocol) as running:
        yield running


async def _answer(server: Served, app: Scripted, sent: bytes) -> bytes:
    """Return all that the server sends until it closes the connection, without its clock."""
    server.app = app  # type: ignore[method-assign]
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(sent)
    answer = await reader.read()
    writer.close()
    return re.sub(rb"date: [^\r]+", b"date: now", answer)


@pytest.mark.parametrize("sent", [CLOSE, HTTP_1_0, HEAD, request() + CLOSE])
@pytest.mark.parametrize("status", [200, 204, 404])
@pytest.mark.parametrize("headers", HEADERS, ids=str)
async def test_an_answer_is_the_one_of_uvicorn(
    ours: Served, uvicorns: Served, sent: bytes, status: int, headers: Headers
) -> None:
    app = Scripted(status, headers)
    if status == 204:
        app.headers = [header for header in headers if header[0].lower() != b"content-length"]

    answer = await _answer(ours, app, sent)

    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert answer == await _answer(uvicorns, app, sent)


@pytest.mark.parametrize("headers", INVALID, ids=str)
async def test_an_invalid_header_is_never_sent(ours: Served, headers: Headers) -> None:
    answer = await _answer(ours, Scripted(200, headers), CLOSE)

    assert answer.startswith(b"HTTP/1.1 500 ") or answer == b""
    assert b"x-" not in answer.lower()
    assert b"set-cookie" not in answer


async def test_nothing_is_sent_of_an_answer_whose_body_never_begins(ours: Served) -> None:
    class Failing(Scripted):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": self.headers})
            raise RuntimeError("no body")

    assert await _answer(ours, Failing(200, [LENGTH]), CLOSE) == b""
