"""An honest caller: calls at a steady pace. Prints their latencies in milliseconds as JSON.

python -m benchmarks.abuse.honest URL KEY SECONDS small|large
"""

import asyncio
import json
import sys
import time
from typing import NamedTuple

import aiohttp

from benchmarks.abuse import bodies


class Pace(NamedTuple):
    """What is called, and how often: fewer times than a workspace may call in a minute."""

    every_s: float
    body: bytes


PACES = {
    "small": Pace(0.15, bodies.text(200)),
    "large": Pace(1.0, bodies.images(1_500_000)),  # checked and translated in a thread
}


async def main(url: str, key: str, seconds: float, pace: Pace) -> None:
    """Call until the time is over, each call at its moment whether or not the last has ended."""
    latencies: list[float] = []
    failures: list[int] = []
    headers = {"x-api-key": key, "content-type": "application/json"}
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:

        async def call() -> None:
            began = time.monotonic()
            try:
                async with session.post(f"{url}/v1/messages", data=pace.body) as response:
                    await response.read()
                    status = response.status
            except (aiohttp.ClientError, TimeoutError):
                status = 0
            latencies.append((time.monotonic() - began) * 1000)
            if status != 200:
                failures.append(status)

        calls = []
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at:
            calls.append(asyncio.create_task(call()))
            await asyncio.sleep(pace.every_s)
        await asyncio.gather(*calls)
    sys.stdout.write(json.dumps({"latencies": latencies, "failures": failures}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3]), PACES[sys.argv[4]]))
