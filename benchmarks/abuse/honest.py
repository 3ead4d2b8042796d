"""An honest caller: small calls at a steady pace. Prints its latencies in milliseconds as JSON.

python -m benchmarks.abuse.honest URL KEY SECONDS
"""

import asyncio
import json
import sys
import time

import aiohttp

_EVERY_S = 0.15  # 400 a minute: fewer than a workspace may make
_BODY = {
    "model": "bench/fixed",
    "max_tokens": 16,
    "messages": [{"role": "user", "content": "Hello"}],
}


async def main(url: str, key: str, seconds: float) -> None:
    """Call until the time is over, each call at its moment whether or not the last has ended."""
    latencies: list[float] = []
    failures: list[int] = []
    headers = {"x-api-key": key}
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:

        async def call() -> None:
            began = time.monotonic()
            try:
                async with session.post(f"{url}/v1/messages", json=_BODY) as response:
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
            await asyncio.sleep(_EVERY_S)
        await asyncio.gather(*calls)
    sys.stdout.write(json.dumps({"latencies": latencies, "failures": failures}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
