"""An upstream on a real socket that answers as a test scripts it, and records its requests.

Every script has its own prompt: the word `script-…` in a request's body selects the script. So
tests, and calls within a test, never receive each other's answers.
"""

import asyncio
import contextlib
import json
import re
import socket
import struct
import threading
import uuid
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.support.waiting import eventually

_SCRIPT_NAME = re.compile(rb"script-[0-9a-f]{32}")


@dataclass(frozen=True)
class SeenRequest:
    """A request as it arrived; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        """The decoded JSON."""
        decoded: dict[str, Any] = json.loads(self.raw)
        return decoded


@dataclass
class Script:
    """The play for one prompt, and the requests that it answered.

    `hang_ups` counts callers that closed the connection before the play was over.
    """

    play: "Play"
    loop: asyncio.AbstractEventLoop
    counting: "Play | None" = None
    prompt: str = field(default_factory=lambda: f"script-{uuid.uuid4().hex}")
    requests: list[SeenRequest] = field(default_factory=list)
    counts: list[SeenRequest] = field(default_factory=list)
    hang_ups: int = 0
    releases: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    def release(self, times: int = 1) -> None:
        """Let waiting plays continue: one `Exchange.wait_for_release` each time."""
        for _ in range(times):
            self.loop.call_soon_threadsafe(self.releases.release)

    def wait_for_request(self, count: int = 1) -> SeenRequest:
        """Return the newest request once there are `count`."""
        eventually(lambda: len(self.requests) >= count, what=f"request {count} at the upstream")
        return self.requests[-1]

    def wait_for_hang_up(self, count: int = 1) -> None:
        """Return once that many callers have closed their connection during the play."""
        eventually(lambda: self.hang_ups >= count, what="the upstream's caller hanging up")


class Exchange:
    """One request and the means to answer it, validly or not."""

    def __init__(self, script: Script, request: SeenRequest, writer: asyncio.StreamWriter) -> None:
        self.script = script
        self.request = request
        self.is_broken = False
        self._writer = writer

    @property
    def wants_stream(self) -> bool:
        """Whether the request asks for events."""
        return bool(self.request.body.get("stream"))

    async def send(self, *pieces: bytes) -> None:
        """Send raw bytes, in one write."""
        self._writer.write(b"".join(pieces))
        await self._writer.drain()

    async def reply(
        self,
        body: bytes,
        *,
        status: int = 200,
        content_type: str = "application/json",
        headers: tuple[str, ...] = (),
    ) -> None:
        """Send a complete response."""
        lines = [f"HTTP/1.1 {status} Scripted", f"content-type: {content_type}", *headers]
        head = "\r\n".join([*lines, f"content-length: {len(body)}", "", ""])
        await self.send(head.encode() + body)

    async def begin_events(self) -> None:
        """Send the head of an event stream, in chunks."""
        await self.send(
            b"HTTP/1.1 200 Scripted\r\ncontent-type: text/event-stream\r\n"
            b"transfer-encoding: chunked\r\n\r\n"
        )

    async def chunk(self, *pieces: bytes) -> None:
        """Send pieces of a body that began with `begin_events`, a chunk each, in one write."""
        await self.send(b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces))

    async def end_chunks(self) -> None:
        """End that body."""
        await self.send(b"0\r\n\r\n")

    async def wait_for_release(self) -> None:
        """Wait until the test calls `Script.release`."""
        await self.script.releases.acquire()

    async def stay_silent(self) -> None:
        """Send nothing more; ends when the caller hangs up."""
        await asyncio.Event().wait()

    async def half_close(self) -> None:
        """Close the sending side and continue to receive."""
        self.is_broken = True
        self._writer.write_eof()
        await asyncio.Event().wait()

    async def cut(self) -> None:
        """Close the connection."""
        self.is_broken = True
        self._writer.close()

    async def reset(self) -> None:
        """Close it with a TCP reset."""
        self.is_broken = True
        await asyncio.sleep(0.2)  # a reset discards bytes that the other side has not read yet
        connection = self._writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


Play = Callable[[Exchange], Awaitable[None]]


class ScriptedUpstream:
    """The server. It runs on its own event loop, in a thread."""

    def __init__(self) -> None:
        self._scripts: dict[str, Script] = {}
        self._scripts_of_texts: dict[str, Script] = {}
        self._loop = asyncio.new_event_loop()
        self._connections: set[asyncio.Task[None]] = set()
        self.url = ""
        self.unscripted: list[SeenRequest] = []

    @contextlib.contextmanager
    def running(self) -> Iterator["ScriptedUpstream"]:
        """Serve for the length of the block."""
        thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        thread.start()
        server = asyncio.run_coroutine_threadsafe(
            self._loop.create_server(self._connection, "127.0.0.1", 0, backlog=512), self._loop
        ).result(10)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(server.close)
            asyncio.run_coroutine_threadsafe(self._hang_up_on_all(), self._loop).result(10)
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join(10)
            self._loop.close()

    def script(self, play: Play, *, counting: Play | None = None) -> Script:
        """Script a new prompt.

        `counting` answers requests to count the prompt's tokens; without it they get a 404.
        """
        script = Script(play, self._loop, counting)
        self._scripts[script.prompt] = script
        return script

    def script_for(self, text: str, play: Play) -> Script:
        """Script requests that hold a text, for prompts which the test cannot choose."""
        script = Script(play, self._loop, prompt=text)
        self._scripts_of_texts[text] = script
        return script

    def _script_of(self, request: SeenRequest) -> Script | None:
        if found := _SCRIPT_NAME.search(request.raw):
            return self._scripts.get(found[0].decode())
        texts = (text for text in self._scripts_of_texts if text.encode() in request.raw)
        return self._scripts_of_texts.get(next(texts, ""))

    def _connection(self) -> asyncio.StreamReaderProtocol:
        return asyncio.StreamReaderProtocol(_Reader(loop=self._loop), self._converse)

    async def _hang_up_on_all(self) -> None:
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer requests until one side closes the connection."""
        assert isinstance(reader, _Reader)
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self._answer_one(reader, writer):
                pass
        writer.close()

    async def _answer_one(self, reader: "_Reader", writer: asyncio.StreamWriter) -> bool:
        request = await _read_request(reader)
        script = self._script_of(request)
        if script is None:
            self.unscripted.append(request)
            script = Script(_not_scripted, self._loop)
        exchange = Exchange(script, request, writer)
        if request.path.endswith("/count_tokens"):
            script.counts.append(request)
            play = script.counting or _refuse_to_count
        else:
            script.requests.append(request)
            play = script.play
        await _perform(play, exchange, reader)
        return not exchange.is_broken


@contextlib.contextmanager
def unaccepting_listener() -> Iterator[str]:
    """An address that accepts no connection: its backlog has room for one and is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        with socket.create_connection(address):
            yield f"http://{address[0]}:{address[1]}"


@contextlib.contextmanager
def refusing_port() -> Iterator[str]:
    """An address that refuses connections, and that no other process is assigned."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"


class _Reader(asyncio.StreamReader):
    """Signals that the other side has closed, without consuming bytes."""

    def __init__(self, *, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self.closed = asyncio.Event()

    def feed_eof(self) -> None:
        super().feed_eof()
        self.closed.set()

    def set_exception(self, exc: Exception) -> None:
        super().set_exception(exc)
        self.closed.set()


async def _perform(play: Play, exchange: Exchange, reader: _Reader) -> None:
    """Play until the play ends or the caller hangs up."""
    playing = asyncio.ensure_future(play(exchange))
    listening = asyncio.ensure_future(reader.closed.wait())
    await asyncio.wait({playing, listening}, return_when=asyncio.FIRST_COMPLETED)
    is_over = playing.done()
    for task in (playing, listening):
        task.cancel()
    [outcome, _] = await asyncio.gather(playing, listening, return_exceptions=True)
    if not is_over or isinstance(outcome, ConnectionError):
        exchange.script.hang_ups += 1
        exchange.is_broken = True
    elif isinstance(outcome, Exception):
        raise outcome


async def _refuse_to_count(exchange: Exchange) -> None:
    await exchange.reply(b'{"error": {"message": "no such page"}}', status=404)


async def _not_scripted(exchange: Exchange) -> None:
    await exchange.reply(b'{"error": {"message": "nothing is scripted for this"}}', status=500)


async def _read_request(reader: asyncio.StreamReader) -> SeenRequest:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    request_line, *lines = head.rstrip("\r\n").split("\r\n")
    method, path, _ = request_line.split(" ")
    pairs = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    raw = await reader.readexactly(int(headers.get("content-length", "0")))
    return SeenRequest(method, path, headers, raw)
