"""The attacks, each a program of its own: it begins, prints a line, and goes on until it is ended.

python -m benchmarks.abuse.attacks NAME PORT KEY...
"""

import asyncio
import contextlib
import sys

import aiohttp

from keys import tokens

MIB = 1024 * 1024
_SLOW_CONNECTIONS = 150
_SLOW_MIB = 6
_LARGE_AT_ONCE = 20
_LARGE_MIB = 31
_FLOODERS = 64
_SLOTS = 1100


def _body(size: int) -> bytes:
    head = b'{"model":"bench/fixed","max_tokens":9,"messages":[{"role":"user","content":"'
    return head + b"x" * (size - len(head) - 4) + b'"}]}'


def _head(key: str, length: int) -> bytes:
    return (
        f"POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nx-api-key: {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    ).encode()


async def slow_bodies(port: int, keys: list[str]) -> None:
    """Many connections that send most of a large body, and then a byte now and then."""
    body = _body(_SLOW_MIB * MIB)

    async def one() -> None:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(_head(keys[0], len(body)))
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
    blocks = b'{"type":"text","text":"a"},' * (_LARGE_MIB * MIB // 26)
    body = (
        b'{"model":"bench/fixed","max_tokens":9,"messages":[{"role":"user","content":['
        + blocks[:-1]
        + b"]}]}"
    )

    async def one() -> None:
        async with aiohttp.ClientSession(headers={"x-api-key": keys[0]}) as session:
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    url = f"http://127.0.0.1:{port}/v1/messages"
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
    body = _body(10_000)

    async def one(number: int) -> None:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(_head(keys[number % len(keys)], len(body)) + body[:5_000])
            while True:  # within the time that a wait for a body may take
                await asyncio.sleep(5)
                writer.write(b"x")
                await writer.drain()

    await asyncio.gather(*(one(number) for number in range(_SLOTS)))


ATTACKS = {
    "slow_bodies": slow_bodies,
    "large_bodies": large_bodies,
    "made_up_keys": made_up_keys,
    "all_slots": all_slots,
}


if __name__ == "__main__":
    name, port, *keys = sys.argv[1:]
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    asyncio.run(ATTACKS[name](int(port), keys))
