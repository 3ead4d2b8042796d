"""Reads connections that send large bodies one after another, at a bounded rate for the process.

One read takes up to 256 KB through the parser. Read whenever something has arrived, many senders
would take the event loop's whole time, and every other request would wait for a read of each of
them several times. In turns, a request waits for one read at a time, however much others send.

Owners of connections take turns, not connections: hundreds of one owner delay another's body as
much as a single one does. The owner whose bodies were read least of late goes first: beside one
that sends all the time, another's body arrives as if it were alone. All connections whose sender is
not known yet have one owner.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Hashable
from weakref import WeakKeyDictionary

from uvicorn.protocols.http.flow_control import FlowControl

# One read each: up to 128 MB a second for all bodies together, about a fifth of the loop's time.
_EVERY_S = 0.002
# In this time, half of what was read of each owner is forgotten.
_HALF_LIFE_S = 1.0


class _Turns:
    """Whose turn it is to be read. A single sender, or a slow one, never waits."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: OrderedDict[Hashable, deque[PacedFlow]] = OrderedDict()  # by owner
        self._reads: Counter[Hashable] = Counter()  # of late, by owner
        self._halved_at = loop.time()
        self._next_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def wait(self, flow: "PacedFlow") -> None:
        """Read from the connection once its turn has come, or now."""
        self._waiting.setdefault(flow.owner, deque()).append(flow)
        if self._timer is None:
            self._go_on()

    def _go_on(self) -> None:
        self._timer = None
        while self._waiting and self._loop.time() >= self._next_at:
            if self._next().read_on():
                self._next_at = self._loop.time() + _EVERY_S
        if self._waiting:
            self._timer = self._loop.call_at(self._next_at, self._go_on)

    def _next(self) -> "PacedFlow":
        self._forget()
        owner = min(self._waiting, key=self._reads.__getitem__)  # of equals, the longest waiting
        self._reads[owner] += 1
        flows = self._waiting[owner]
        flow = flows.popleft()
        if flows:
            self._waiting.move_to_end(owner)
        else:
            del self._waiting[owner]
        return flow

    def _forget(self) -> None:
        times = int((self._loop.time() - self._halved_at) / _HALF_LIFE_S)
        if times:
            self._halved_at += times * _HALF_LIFE_S
            halved = {owner: reads >> times for owner, reads in self._reads.items()}
            self._reads = Counter({owner: reads for owner, reads in halved.items() if reads})


_turns: "WeakKeyDictionary[asyncio.AbstractEventLoop, _Turns]" = WeakKeyDictionary()


class PacedFlow(FlowControl):
    """A connection's flow whose reading, once it was paused, goes on in its turn.

    uvicorn pauses it whenever 64 KB of a body lie before the application. `owner` is whose request
    it receives, once the application knows.
    """

    owner: Hashable = None

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(transport)
        self._turns = _turns.setdefault(loop, _Turns(loop))
        self._is_waiting = False

    def resume_reading(self) -> None:
        """Take a turn, unless nothing was paused or it waits for one already."""
        if self.read_paused and not self._is_waiting:
            self._is_waiting = True
            self._turns.wait(self)

    def read_on(self) -> bool:
        """Read; return whether there is something to read from."""
        self._is_waiting = False
        if self._transport.is_closing():
            return False
        super().resume_reading()
        return True
