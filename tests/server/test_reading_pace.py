"""Connections with large bodies are read in turns."""

import asyncio
from collections.abc import Callable
from typing import cast

from server.reading_pace import PacedFlow


class Loop:
    """An event loop's clock and timers; time passes only where a timer is due."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> None:
        self.timers.append((when, callback))

    def run(self) -> None:
        while self.timers:
            when, callback = self.timers.pop()
            self.now = max(self.now, when)
            callback()


class Transport:
    """Of a connection, what the flow uses."""

    def __init__(self) -> None:
        self.is_closed = False
        self.reads = 0
        self.was_read = asyncio.Event()

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        self.reads += 1
        self.was_read.set()

    def is_closing(self) -> bool:
        return self.is_closed


def paused(transport: Transport, owner: int | None = None) -> PacedFlow:
    flow = PacedFlow(cast(asyncio.Transport, transport), asyncio.get_running_loop())
    flow.owner = owner
    flow.pause_reading()
    return flow


async def test_one_at_a_time_is_read_and_each_in_its_turn():
    transports = [Transport() for _ in range(5)]
    for flow in [paused(transport) for transport in transports]:
        flow.resume_reading()
        flow.resume_reading()
    assert sum(transport.reads for transport in transports) == 1
    for number, transport in enumerate(transports):
        await transport.was_read.wait()
        assert not any(later.reads for later in transports[number + 2 :])
    assert [transport.reads for transport in transports] == [1] * 5


class Senders:
    """Connections of several owners, each of which has sent something; who was read, in order."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.order: list[str] = []

    def send(self, owner: str, *, connections: int = 1) -> None:
        for _ in range(connections):
            transport = Transport()
            flow = PacedFlow(
                cast(asyncio.Transport, transport), cast(asyncio.AbstractEventLoop, self.loop)
            )
            flow.owner = owner
            transport.resume_reading = lambda: self.order.append(owner)  # type: ignore[method-assign]
            flow.pause_reading()
            flow.resume_reading()


def test_many_connections_of_one_owner_delay_anothers_by_a_single_read():
    senders = Senders()
    senders.send("hostile", connections=20)
    senders.send("honest", connections=2)
    senders.loop.run()

    assert senders.order[:4] == ["hostile", "honest", "hostile", "honest"]
    assert len(senders.order) == 22


def test_who_was_read_little_of_late_goes_before_who_was_read_much():
    senders = Senders()
    senders.send("hostile", connections=20)
    senders.loop.run()
    senders.order.clear()
    senders.send("hostile", connections=20)
    senders.send("honest", connections=8)
    senders.loop.run()

    assert senders.order[:8] == ["honest"] * 8


def test_what_was_read_long_ago_does_not_count():
    senders = Senders()
    senders.send("earlier", connections=20)
    senders.loop.run()
    senders.order.clear()
    senders.loop.now += 60
    senders.send("another", connections=2)
    senders.send("earlier", connections=2)
    senders.loop.run()

    assert senders.order == ["another", "earlier", "another", "earlier"]


async def test_a_connection_that_was_closed_takes_no_turn():
    first, gone, last = Transport(), Transport(), Transport()
    for flow in [paused(transport) for transport in (first, gone, last)]:
        flow.resume_reading()
    gone.is_closed = True
    await last.was_read.wait()
    assert (first.reads, gone.reads, last.reads) == (1, 0, 1)


async def test_what_was_not_paused_is_not_resumed():
    transport = Transport()
    flow = PacedFlow(cast(asyncio.Transport, transport), asyncio.get_running_loop())
    flow.resume_reading()
    assert transport.reads == 0
