"""The attacks, each a program of its own: it begins, prints a line, and goes on until it is ended.

python -m benchmarks.abuse.attacks NAME PORT KEY...

The last key is of a workspace that can pay; the others are of one that has a single credit.
"""

import asyncio
import contextlib
import itertools
import os
import sys

import aiohttp

from benchmarks.abuse import bodies
from gateway.request.json_values import MOST_VALUES
from keys import tokens

MIB = 1024 * 1024
_SLOW_CONNECTIONS = 150
_SLOW_MIB = 6
_LARGE_AT_ONCE = 20
_LARGE_MIB = 31
_VALUES_OF_A_BLOCK = 3
_DENSE_BLOCKS = MOST_VALUES // _VALUES_OF_A_BLOCK - 10
_FLOODERS = 64
_SLOTS = 1100
_HOSTILE_CONNECTIONS = 500
_ANNOUNCED_MIB = 29
_SENT_MIB = 3
_REFUSED_AT_ONCE = 64


async def slow_bodies(port: int, keys: list[str]) -> None:
    """Many connections that send most of a large body, and then a byte now and then."""
    body = bodies.text(_SLOW_MIB * MIB)

    async def one() -> None:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(bodies.head(keys[0], len(body)))
            for start in range(0, len(body) - MIB // 4, MIB // 4):
                writer.write(body[start : start + MIB // 4])
                await writer.drain()
            while True:
                await asyncio.sleep(20)
                writer.write(b"x")
                await writer.drain()

    await asyncio.gather(*(one() for _ in range(_SLOW_CONNECTIONS)))


async def large_bodies(port: int, keys: list[str]) -> None:
    """Bodies of the largest size, many at once, again and again; none can be paid for."""
    await _post_again_and_again(port, keys[0], bodies.images(_LARGE_MIB * MIB), "")


async def dense_bodies(port: int, keys: list[str]) -> None:
    """Bodies of nearly the most values that are allowed: objects, far larger than their bytes."""
    await _post_again_and_again(port, keys[0], bodies.blocks(_DENSE_BLOCKS), "")


async def dense_counts(port: int, keys: list[str]) -> None:
    """The same to have their tokens counted, which costs nothing."""
    await _post_again_and_again(port, keys[0], bodies.blocks(_DENSE_BLOCKS), "/count_tokens")


async def _post_again_and_again(port: int, key: str, body: bytes, path: str) -> None:
    async def one() -> None:
        async with aiohttp.ClientSession(headers={"x-api-key": key}) as session:
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    url = f"http://127.0.0.1:{port}/v1/messages{path}"
                    async with session.post(url, data=body) as response:
                        await response.read()
                await asyncio.sleep(0.1)

    await asyncio.gather(*(one() for _ in range(_LARGE_AT_ONCE)))


async def made_up_keys(port: int, keys: list[str]) -> None:
    """Keys with a right checksum that nobody has minted."""

    async def one() -> None:
        async with aiohttp.ClientSession() as session:
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    headers = {"x-api-key": tokens.new_token()}
                    url = f"http://127.0.0.1:{port}/v1/messages"
                    async with session.post(url, data=b"{}", headers=headers) as response:
                        await response.read()

    await asyncio.gather(*(one() for _ in range(_FLOODERS)))


async def all_slots(port: int, keys: list[str]) -> None:
    """One workspace with several keys begins more calls than the process serves at once."""
    body = bodies.text(10_000)
    keys = keys[:-1]

    async def one(number: int) -> None:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(bodies.head(keys[number % len(keys)], len(body)) + body[:5_000])
            while True:  # within the time that a wait for a body may take
                await asyncio.sleep(5)
                writer.write(b"x")
                await writer.drain()

    await asyncio.gather(*(one(number) for number in range(_SLOTS)))


async def hostile_connections(port: int, keys: list[str]) -> None:
    """Many connections of every kind that keep memory: bodies that stop, with and without a known
    key, heads without an end, and streams that are not read. What is cut comes again."""
    poor, paying = keys[:-1], keys[-1]
    begun = b"x" * (_SENT_MIB * MIB)

    async def body(writer: asyncio.StreamWriter, number: int, *, is_known: bool) -> None:
        key = poor[number % len(poor)] if is_known else tokens.new_token()
        writer.write(bodies.head(key, _ANNOUNCED_MIB * MIB))
        for start in range(0, len(begun), MIB // 4):
            writer.write(begun[start : start + MIB // 4])
            await writer.drain()

    async def head(writer: asyncio.StreamWriter) -> None:
        writer.write(b"POST /v1/messages HTTP/1.1\r\nhost: localhost\r\n")
        writer.write(b"x-filler: " + b"x" * 60_000)

    async def unread_stream(writer: asyncio.StreamWriter) -> None:
        asked = bodies.stream(4_096)
        writer.write(bodies.head(paying, len(asked)) + asked)

    async def one(number: int) -> None:
        while True:
            with contextlib.suppress(OSError):
                # With a limit of one byte the client soon stops reading.
                _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
                with contextlib.closing(writer):
                    match number % 5:
                        case 0 | 1:
                            await body(writer, number, is_known=True)
                        case 2:
                            await body(writer, number, is_known=False)
                        case 3:
                            await head(writer)
                        case _:
                            await unread_stream(writer)
                    while not writer.is_closing():
                        await asyncio.sleep(5)
                        if number % 5 != 4:
                            writer.write(b"x")
                            await writer.drain()
            await asyncio.sleep(1)

    await asyncio.gather(*(one(number) for number in range(_HOSTILE_CONNECTIONS)))


async def refusals(port: int, keys: list[str]) -> None:
    """Calls that are refused for each of the reasons that are found late, as fast as it goes."""
    user = [{"role": "user", "content": "Hello"}]
    call = {"model": "bench/fixed", "max_tokens": 4_000, "messages": user}
    refused = (
        call,  # cannot be paid for
        call | {"model": "nobody/sells-it"},
        call | {"messages": [*user, {"role": "nobody", "content": "x"}]},
        call | {"max_tokens": -1},
    )

    async def one(number: int) -> None:
        async with aiohttp.ClientSession(headers={"x-api-key": keys[number % 3]}) as session:
            for body in itertools.cycle(refused):
                with contextlib.suppress(aiohttp.ClientError):
                    url = f"http://127.0.0.1:{port}/v1/messages"
                    async with session.post(url, json=body) as response:
                        await response.read()

    await asyncio.gather(*(one(number) for number in range(_REFUSED_AT_ONCE)))


ATTACKS = {
    "slow_bodies": slow_bodies,
    "large_bodies": large_bodies,
    "dense_bodies": dense_bodies,
    "dense_counts": dense_counts,
    "made_up_keys": made_up_keys,
    "all_slots": all_slots,
    "hostile_connections": hostile_connections,
    "refusals": refusals,
}


if __name__ == "__main__":
    # An attacker uses a machine of their own, so this one gives the product precedence.
    os.nice(19)
    name, port, *keys = sys.argv[1:]
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    asyncio.run(ATTACKS[name](int(port), keys))
