"""An honest caller on a slow line: one large call. Prints its status and its seconds as JSON.

python -m benchmarks.abuse.upload PORT KEY MIB
"""

import asyncio
import json
import sys
import time

from benchmarks.abuse import bodies

BYTES_PER_S = 125_000  # 1 Mbit/s
_PART_S = 0.1


async def main(port: int, key: str, mib: float) -> None:
    """Send the body at the speed of the line, and read the first line of the answer."""
    body = bodies.images(int(mib * 2**20))
    began = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(bodies.head(key, len(body)))
        part = int(BYTES_PER_S * _PART_S)
        for number, start in enumerate(range(0, len(body), part)):
            writer.write(body[start : start + part])
            await writer.drain()
            await asyncio.sleep(max(0.0, began + number * _PART_S - time.monotonic()))
        status = int((await reader.readline()).split()[1])
    except (OSError, IndexError):
        status = 0
    finally:
        writer.close()
    sys.stdout.write(json.dumps({"status": status, "seconds": time.monotonic() - began}))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
