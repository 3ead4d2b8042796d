"""Where the answer to a call goes, and the one point through which its frames pass."""

import asyncio
from collections.abc import Awaitable
from enum import Enum
from typing import Any, Protocol

from gateway.call import Call, CallerGone, Head
from gateway.metering.operations import SettleResult


class OnDisconnect(Enum):
    """What becomes of a call whose sink has gone."""

    CANCEL = "cancel"  # stop the upstream; charge what was delivered
    FINISH = "finish"  # run to the end and charge all of it


class Sink(Protocol):
    """Receives one answer: `answer` for a plain call; `open`, `send` and `close` for a stream.

    Each method returns once the data is accepted and raises CallerGone if nobody reads it.
    """

    def gone(self) -> Awaitable[None]:
        """Wait until nobody reads any more. It is cancelled when the call is over. A future costs a
        call less than a coroutine, which needs a task."""

    async def answer(self, head: Head, body: bytes, result: SettleResult) -> None:
        """Receive a whole answer, and what its settlement did to the balance."""

    async def open(self, head: Head) -> None:
        """Receive what precedes a stream's frames."""

    async def send(self, frames: bytes) -> None:
        """Receive one or more complete server-sent events."""

    async def close(self) -> None:
        """Receive the end of the stream."""


class FanOut:
    """Passes an answer on to the caller's sink, and to any other that is attached before it begins.

    A sink that has gone is detached. If it is the caller's and the policy is CANCEL, CallerGone is
    raised; otherwise the call goes on for the sinks that are left, or for none.
    """

    def __init__(self, call: Call, caller: Sink, *, on_disconnect: OnDisconnect) -> None:
        self._call = call
        self._caller = caller
        self._on_disconnect = on_disconnect
        self._sinks = [caller]
        self.is_open = False
        self.is_caller_gone = False

    def attach(self, sink: Sink) -> None:
        """Add a sink that receives the same answer from its beginning."""
        assert not self.is_open, "a sink is attached before the answer begins"
        self._sinks.append(sink)

    def detach(self, sink: Sink) -> None:
        """Send nothing more to a sink; the second time changes nothing."""
        if sink in self._sinks:
            self._sinks.remove(sink)
        if sink is self._caller:
            self.is_caller_gone = True

    async def answer(self, body: bytes, result: SettleResult) -> None:
        """Pass on the whole answer of a plain call."""
        head = self._call.head()
        for sink in tuple(self._sinks):
            try:
                await sink.answer(head, body, result)
            except CallerGone:
                self._lost(sink)

    async def send(self, frames: bytes) -> None:
        """Pass on frames; the first ones open the stream."""
        head = None if self.is_open else self._call.head()
        self.is_open = True
        for sink in tuple(self._sinks):
            try:
                if head is not None:
                    await sink.open(head)
                await sink.send(frames)
            except CallerGone:
                self._lost(sink)

    async def close(self) -> None:
        """Pass on the end of the stream."""
        for sink in tuple(self._sinks):
            try:
                await sink.close()
            except CallerGone:
                self._lost(sink)

    def _lost(self, sink: Sink) -> None:
        self.detach(sink)
        if sink is self._caller and self._on_disconnect is OnDisconnect.CANCEL:
            raise CallerGone


class DisconnectWatch:
    """Detaches a sink when it has gone, and cancels the task that runs for it alone."""

    def __init__(self, sink: Sink, out: FanOut, cancels: "asyncio.Task[Any] | None") -> None:
        self._sink = sink
        self._out = out
        self._cancels = cancels
        self._is_over = False
        self._gone = asyncio.ensure_future(sink.gone())
        self._gone.add_done_callback(self._sink_gone)

    def end(self) -> None:
        """Detach and cancel nothing any more."""
        self._is_over = True
        self._gone.cancel()

    def _sink_gone(self, gone: "asyncio.Future[None]") -> None:
        if self._is_over or gone.cancelled():
            return
        gone.result()  # a fault of the sink's is logged by the event loop
        self._out.detach(self._sink)
        if self._cancels is not None:
            self._cancels.cancel()
