"""The load generator of bin/bench and its catalogue, against the upstream of the benchmarks."""

import asyncio
from pathlib import Path

import pytest

from benchmarks import catalogue
from benchmarks.gateway.load import LoadSpec, Measurement, measure
from benchmarks.gateway.upstream import Upstream
from catalogue import file


async def measured(*, connections: int, calls: int = 0, events: int = 0) -> Measurement:
    """Return what a load finds at the upstream itself."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Upstream, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    spec = LoadSpec(port, "key", "a/model", connections=connections, calls=calls, events=events)
    async with server:
        return await measure(spec, pace_s=0.0)


@pytest.mark.parametrize("events", [1, 2])
async def test_each_event_of_a_stream_is_counted_the_first_too(events: int):
    found = await measured(connections=3, events=events)

    assert (found.completed, found.failed) == (3 * events, 0)


async def test_each_call_is_counted():
    found = await measured(connections=2, calls=5)

    assert (found.completed, found.failed) == (5, 0)


def test_its_catalogue_is_valid(tmp_path: Path):
    path = tmp_path / "catalogue.toml"

    catalogue.write(path, model="a/model", prices=catalogue.CHEAP, upstream_url="http://[::1]:9")

    [model] = file.read(path).models
    assert (model.id, model.name) == ("a/model", "Model")
    assert model.prices[0].output == catalogue.CHEAP.output
    assert model.upstreams[0].base_url == "http://[::1]:9"
