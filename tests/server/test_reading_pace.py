"""Connections with large bodies are read in turns."""

import asyncio
from typing import cast

from server.reading_pace import PacedFlow


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


async def test_many_connections_of_one_owner_delay_anothers_by_a_single_read():
    order: list[str] = []

    class Noted(Transport):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def resume_reading(self) -> None:
            super().resume_reading()
            order.append(self.name)

    hostile = [Noted("hostile") for _ in range(20)]
    honest = [Noted("honest") for _ in range(2)]
    for transport in hostile:
        paused(transport, owner=1).resume_reading()
    for transport in honest:
        paused(transport, owner=2).resume_reading()
    for transport in (*hostile, *honest):
        await transport.was_read.wait()

    assert order[:5] == ["hostile", "hostile", "honest", "hostile", "honest"]
    assert len(order) == 22


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
