"""Callers of the gateway: each call is a socket of its own, which can be left in every way."""

import http.client
import json
import select
import socket
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

_PATIENCE_S = 100


@dataclass(frozen=True)
class Answer:
    """A whole response."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        """Return the decoded body."""
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        """The error object of the documented error body, after a look at the rest of it."""
        whole = self.json()
        assert whole.keys() == {"type", "error", "request_id"}
        assert whole["type"] == "error"
        assert whole["request_id"] == self.headers["request-id"]
        assert whole["error"].keys() <= {"type", "message", "details"}
        error: dict[str, Any] = whole["error"]
        return error

    def whole(self) -> dict[str, Any]:
        """The message, put together if it was streamed."""
        if not self.headers["content-type"].startswith("text/event-stream"):
            message: dict[str, Any] = self.json()
            return message
        return self.transcript.message()

    @property
    def transcript(self) -> "Transcript":
        """The body read as an event stream."""
        return Transcript(list(_events(iter(self.body.splitlines(keepends=True)))))


@dataclass(frozen=True)
class Event:
    """A server-sent event; its name and the type inside are known to agree."""

    kind: str
    data: dict[str, Any]


class Call:
    """One request on its own connection."""

    def __init__(self, url: str, request: bytes) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout=_PATIENCE_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port: int = self._socket.getsockname()[1]
        self._socket.sendall(request)

    @cached_property
    def response(self) -> http.client.HTTPResponse:
        """The response; its head has arrived."""
        response = http.client.HTTPResponse(self._socket)
        response.begin()
        return response

    def answer(self) -> Answer:
        """Read all there is, then close."""
        body = self.response.read()
        status, headers = self.response.status, self.response.headers
        self.hang_up()
        return Answer(status, headers, body)

    def events(self) -> Iterator[Event]:
        """Events as they arrive; comments are passed over."""
        return _events(iter(self.response.readline, b""))

    def read_until(self, kind: str) -> Event:
        """Return the next event of a kind."""
        return next(event for event in self.events() if event.kind == kind)

    def next(self, request: bytes) -> Answer:
        """Send another request on the same connection and return its answer."""
        self._socket.sendall(request)
        response = http.client.HTTPResponse(self._socket)
        response.begin()
        return Answer(response.status, response.headers, response.read())

    def send(self, data: bytes) -> None:
        """Send more of a request that was begun."""
        self._socket.sendall(data)

    def is_answered(self) -> bool:
        """Whether anything of the answer has arrived."""
        return bool(select.select([self._socket], [], [], 0)[0])

    def half_close(self) -> None:
        """Say that nothing more will be sent, and go on reading."""
        self._socket.shutdown(socket.SHUT_WR)

    def hang_up(self) -> None:
        """Close the connection."""
        if "response" in self.__dict__:
            self.response.close()
        self._socket.close()

    def reset(self) -> None:
        """Close it with a TCP reset."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.hang_up()


@dataclass(frozen=True)
class Caller:
    """Somebody with a key, or without one, at one gateway."""

    url: str
    token: str | None

    def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Call:
        """Send a request; do not wait for the answer."""
        named = {"host": urlsplit(self.url).netloc, "connection": "close"}
        if self.token is not None:
            named["authorization"] = f"Bearer {self.token}"
        if body is not None:
            named |= {"content-type": "application/json", "content-length": str(len(body))}
        named |= headers or {}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {named[name]}" for name in named)]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        return Call(self.url, head + (body or b""))

    def begin(
        self, prompt: str, *, headers: Mapping[str, str] | None = None, **fields: Any
    ) -> Call:
        """Send a prompt to /v1/messages; do not wait for the answer."""
        return self.call("POST", "/v1/messages", request_body(prompt, **fields), headers)

    def ask(
        self, prompt: str, *, headers: Mapping[str, str] | None = None, **fields: Any
    ) -> Answer:
        """Send a prompt to /v1/messages and return the answer."""
        return self.begin(prompt, headers=headers, **fields).answer()

    def post(self, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """Send a body."""
        return self.call("POST", path, body, headers).answer()

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Ask for a page."""
        return self.call("GET", path, None, headers).answer()


def request_body(prompt: str, **fields: Any) -> bytes:
    """Return a request; `fields` replace its own, and None leaves one out."""
    request = {
        "model": "scripted/messages",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": prompt}],
    } | fields
    return json.dumps(
        {name: value for name, value in request.items() if value is not None}
    ).encode()


@dataclass
class Transcript:
    """A stream put together the way clients do it, strict about the grammar."""

    events: list[Event]
    start: dict[str, Any] = field(init=False)
    content: list[dict[str, Any]] = field(init=False, default_factory=list)
    delta: dict[str, Any] | None = field(init=False, default=None)
    error: dict[str, Any] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        events = [event for event in self.events if event.kind != "ping"]
        assert events[0].kind == "message_start"
        self.start = events[0].data["message"]
        if events[-1].kind == "error":
            self.error = events[-1].data["error"]
            self._take_blocks(events[1:-1])
            return
        assert [event.kind for event in events[-2:]] == ["message_delta", "message_stop"]
        self.delta = events[-2].data
        assert not self._take_blocks(events[1:-2]), "a block was left open"

    @property
    def text(self) -> str:
        """All the text."""
        return "".join(block.get("text", "") for block in self.content)

    @property
    def usage(self) -> dict[str, Any]:
        """The final usage."""
        assert self.delta is not None, f"the stream ended with {self.error}"
        usage: dict[str, Any] = self.delta["usage"]
        return usage

    def message(self) -> dict[str, Any]:
        """The message as a plain call would have it."""
        assert self.delta is not None, f"the stream ended with {self.error}"
        content = [_complete(block) for block in self.content]
        end: dict[str, Any] = self.delta["delta"]
        return self.start | end | {"content": content, "usage": self.usage}

    def _take_blocks(self, events: list[Event]) -> bool:
        is_open = False
        for event in events:
            if event.kind == "content_block_start":
                assert not is_open, "two blocks are open at once"
                assert event.data["index"] == len(self.content), "blocks are numbered 0, 1, 2 …"
                self.content.append(dict(event.data["content_block"]))
                is_open = True
                continue
            assert is_open, f"{event.kind} outside a block"
            assert event.data["index"] == len(self.content) - 1
            if event.kind == "content_block_stop":
                is_open = False
            else:
                assert event.kind == "content_block_delta"
                _extend(self.content[-1], event.data["delta"])
        return is_open


def _extend(block: dict[str, Any], delta: dict[str, Any]) -> None:
    member = {
        "text_delta": "text",
        "thinking_delta": "thinking",
        "signature_delta": "signature",
        "input_json_delta": "partial_json",
    }[delta["type"]]
    block[member] = block.get(member, "") + delta[member]


def _complete(block: dict[str, Any]) -> dict[str, Any]:
    """A block with its input parsed, if it is a call; that of a cut one stays as it is."""
    if "partial_json" not in block:
        return block
    kept = {name: value for name, value in block.items() if name != "partial_json"}
    try:
        return kept | {"input": json.loads(block["partial_json"] or "{}")}
    except ValueError:
        return block


def _events(lines: Iterator[bytes]) -> Iterator[Event]:
    """Cut lines into events: an `event:` line, one `data:` line of JSON, an empty line."""
    for line in lines:
        if line == b"\n" or line.startswith(b":"):
            continue
        name, data, empty = line, next(lines), next(lines)
        assert name.startswith(b"event: ")
        assert data.startswith(b"data: ")
        assert empty == b"\n"
        event = Event(name[7:-1].decode(), json.loads(data[6:]))
        assert event.data["type"] == event.kind
        yield event
