"""The bytes of a request to an upstream, as they arrive at its socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.errors import UpstreamFailed
from gateway.upstreams.client import Deadlines, UpstreamClient, UpstreamResponse
from gateway.upstreams.client_request import SMALL_BODY_BYTES

_DEADLINES = Deadlines(connect_s=10, first_byte_s=60, idle_s=60, total_s=60)
_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
_HEADERS = {"content-type": "application/json", "authorization": "Bearer secret"}


class _Peer:
    """Answers each request on a connection with `{}`, and keeps the bytes of every request."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.answer = _ANSWER
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(length))
                writer.write(self.answer)
                if self.answer != _ANSWER:
                    break
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def _peer() -> AsyncIterator[_Peer]:
    peer = _Peer()
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    peer.port = server.sockets[0].getsockname()[1]
    async with server:
        yield peer


async def _read(response: UpstreamResponse) -> bytes:
    return await response.read()


def _expected(port: int, body: bytes) -> bytes:
    return (
        f"POST /v1/messages?beta=true HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        "Content-Type: application/json\r\nAuthorization: Bearer secret\r\n"
        f"Accept: */*\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def _parts(request: bytes) -> tuple[bytes, list[bytes], bytes]:
    """Return request line, headers in any order and letter case of names, and body."""
    head, _, body = request.partition(b"\r\n\r\n")
    line, *headers = head.split(b"\r\n")
    lowered = [
        name.lower() + b":" + value for name, _, value in (h.partition(b":") for h in headers)
    ]
    return line, sorted(lowered), body


@pytest.mark.parametrize("size", [0, 1, 900, SMALL_BODY_BYTES, SMALL_BODY_BYTES + 1, 3_000_000])
async def test_a_request_arrives_byte_for_byte_on_a_new_and_on_a_kept_connection(size: int) -> None:
    body = bytes(at % 251 for at in range(size))
    async with _peer() as peer, UpstreamClient(_DEADLINES) as client:
        url = f"http://127.0.0.1:{peer.port}/v1/messages?beta=true"
        for _ in range(3):
            answer = await client.post(url, headers=dict(_HEADERS), body=body, read=_read)
            assert answer == b"{}"

        assert [_parts(one) for one in peer.requests] == [_parts(_expected(peer.port, body))] * 3
        assert peer.connections == 1


async def test_sizes_in_turns_share_a_connection() -> None:
    sizes = [10, 2 * SMALL_BODY_BYTES, 20, 3 * SMALL_BODY_BYTES]
    async with _peer() as peer, UpstreamClient(_DEADLINES) as client:
        url = f"http://127.0.0.1:{peer.port}/v1/messages?beta=true"
        for size in sizes:
            await client.post(url, headers=dict(_HEADERS), body=b"x" * size, read=_read)

        assert [len(_parts(one)[2]) for one in peer.requests] == sizes
        assert peer.connections == 1


async def test_a_connection_that_ends_before_an_answer_is_a_failure() -> None:
    async with _peer() as peer, UpstreamClient(_DEADLINES) as client:
        peer.answer = b""
        with pytest.raises(UpstreamFailed):
            await client.post(
                f"http://127.0.0.1:{peer.port}/v1/messages",
                headers=dict(_HEADERS),
                body=b"{}",
                read=_read,
            )
