"""A load generator over raw asyncio protocols: calls in a closed loop, and paced streams.

Runs as a process of its own, `python -m benchmarks.gateway.load '<LoadSpec as JSON>'`, and prints
a Measurement as JSON: so the load runs on another core than the server it measures.
"""

import asyncio
import re
import sys
import time
from collections.abc import Callable, Sequence
from typing import cast

import msgspec
import uvloop

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_DELTA = b"event: content_block_delta"


class LoadSpec(msgspec.Struct):
    """`calls` in total over `connections`, or as many as are answered in `seconds`, or one stream
    of `events` on each connection."""

    port: int
    key: str
    model: str
    connections: int
    calls: int = 0
    events: int = 0
    seconds: float = 0.0


class Measurement(msgspec.Struct):
    """The result of a load: calls or events that were completed, and times in milliseconds.

    The first event of a stream has no time: with one event in each, all times are 0.
    """

    seconds: float
    completed: int
    failed: int
    p50_ms: float
    p95_ms: float
    p99_ms: float


def _request(spec: LoadSpec) -> bytes:
    body = msgspec.json.encode(
        {
            "model": spec.model,
            "max_tokens": spec.events or 256,
            "stream": bool(spec.events),
            "messages": [{"role": "user", "content": "Hello there, how are you today?"}],
        }
    )
    head = (
        f"POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1:{spec.port}\r\n"
        f"authorization: Bearer {spec.key}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class _Caller(asyncio.Protocol):
    """Sends one call after another on its connection while `is_next` allows one more."""

    def __init__(self, request: bytes, is_next: Callable[[], bool], times: list[float]) -> None:
        self._request = request
        self._is_next = is_next
        self._times = times
        self._received = b""
        self._sent_at = 0.0
        self.completed = 0
        self.failed = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is not a subclass
        self._send()

    def _send(self) -> None:
        if not self._is_next():
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Record the time once an answer is complete."""
        self._received += data
        head_end = self._received.find(b"\r\n\r\n")
        if head_end < 0:
            return
        found = _LENGTH.search(self._received, 0, head_end)
        if found is None or len(self._received) < head_end + 4 + int(found[1]):
            return
        self._times.append((time.perf_counter() - self._sent_at) * 1000)
        self.completed += 1
        self.failed += not self._received.startswith(b"HTTP/1.1 200")
        self._received = b""
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        """Mark this caller as done."""
        if not self.done.done():
            self.done.set_result(None)


class _StreamCaller(asyncio.Protocol):
    """Reads one stream; records how much later than the upstream's pace each event arrived."""

    def __init__(self, request: bytes, events: int, pace_s: float, delays: list[float]) -> None:
        self._request = request
        self._events = events
        self._pace_s = pace_s
        self._delays = delays
        self._last_at = 0.0
        self.completed = 0
        self.failed = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is not a subclass
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Record the time since the event before, less the upstream's pace, as its delay."""
        count = data.count(_DELTA)
        if count:
            now = time.perf_counter()
            if self._last_at:
                gap_s = now - self._last_at
                self._delays.append(max(0.0, gap_s - count * self._pace_s) * 1000)
            self._last_at = now
            self.completed += count
        if b"event: message_stop" in data:
            self.failed = int(self.completed != self._events)
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """Mark this caller as done."""
        if not self.done.done():
            self.done.set_result(None)


async def measure(spec: LoadSpec, *, pace_s: float) -> Measurement:
    """Run the load."""
    loop = asyncio.get_running_loop()
    request, times = _request(spec), list[float]()
    is_next = _until(time.perf_counter() + spec.seconds) if spec.seconds else _so_many(spec.calls)

    def protocol() -> "_Caller | _StreamCaller":
        if spec.events:
            return _StreamCaller(request, spec.events, pace_s, times)
        return _Caller(request, is_next, times)

    began = time.perf_counter()
    callers = []
    for _ in range(spec.connections):
        _, caller = await loop.create_connection(protocol, "127.0.0.1", spec.port)
        callers.append(caller)
        if spec.events:  # spread the starts, as in real traffic
            await asyncio.sleep(pace_s / spec.connections)
    await asyncio.gather(*(caller.done for caller in callers))
    times.sort()
    return Measurement(
        seconds=time.perf_counter() - began,
        completed=sum(caller.completed for caller in callers),
        failed=sum(caller.failed for caller in callers),
        p50_ms=_percentile(times, 50),
        p95_ms=_percentile(times, 95),
        p99_ms=_percentile(times, 99),
    )


def _so_many(calls: int) -> Callable[[], bool]:
    left = iter(range(calls))
    return lambda: next(left, None) is not None


def _until(end: float) -> Callable[[], bool]:
    return lambda: time.perf_counter() < end


def _percentile(times: Sequence[float], share: int) -> float:
    return times[len(times) * share // 100] if times else 0.0


if __name__ == "__main__":
    spec = msgspec.json.decode(sys.argv[1], type=LoadSpec)
    result = uvloop.run(measure(spec, pace_s=1 / 20))
    sys.stdout.write(msgspec.json.encode(result).decode())
