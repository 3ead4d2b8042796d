"""Callers who make calls at a steady rate, and remember what they were told about each."""

import asyncio
import contextlib
import random
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import aiohttp
import msgspec

_PATIENCE = aiohttp.ClientTimeout(total=60, sock_connect=5)


@dataclass
class Heard:
    """What a caller heard of one call: `charged` is None where no price was told."""

    is_stream: bool
    status: int | None = None
    request_id: UUID | None = None
    charged: int | None = None
    is_error: bool = False
    seconds: float = 0.0


class Callers:
    """Half of the calls stream; each goes to one of the gateways."""

    def __init__(self, *, urls: list[str], tokens: list[str], model: str, per_second: float):
        self._urls = urls
        self._tokens = tokens
        self._model = model
        self._pause_s = 1 / per_second
        self.heard: list[Heard] = []

    async def call_for(self, seconds: float) -> None:
        """Make calls for so long, and wait for the last to end."""
        began = time.monotonic()
        calls: list[asyncio.Task[None]] = []
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        async with aiohttp.ClientSession(connector=connector, timeout=_PATIENCE) as session:
            while time.monotonic() - began < seconds:
                calls.append(asyncio.create_task(self._call(session)))
                due_at = began + len(calls) * self._pause_s
                await asyncio.sleep(max(0.0, due_at - time.monotonic()))
            await asyncio.gather(*calls)

    async def _call(self, session: aiohttp.ClientSession) -> None:
        heard = Heard(is_stream=random.random() < 0.5)
        self.heard.append(heard)
        began = time.monotonic()
        # Somebody was killed; what had been heard until then counts.
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
            await self._converse(session, heard)
        heard.seconds = time.monotonic() - began

    async def _converse(self, session: aiohttp.ClientSession, heard: Heard) -> None:
        body = {
            "model": self._model,
            "max_tokens": 100,
            "stream": heard.is_stream,
            "messages": [{"role": "user", "content": "Hello"}],
        }
        headers = {"authorization": f"Bearer {random.choice(self._tokens)}"}
        url = f"{random.choice(self._urls)}/v1/messages"
        async with session.post(url, json=body, headers=headers) as response:
            heard.status = response.status
            heard.request_id = UUID(response.headers["request-id"].removeprefix("req_"))
            if response.content_type == "text/event-stream":
                async for line in response.content:
                    _hear_line(heard, line)
            else:
                _hear(heard, msgspec.json.decode(await response.read()))


def _hear_line(heard: Heard, line: bytes) -> None:
    if line.startswith(b"data: ") and line.endswith(b"\n"):
        _hear(heard, msgspec.json.decode(line[6:]))


def _hear(heard: Heard, said: dict[str, Any]) -> None:
    """A plain answer, or an event of a stream: both tell the price in their `usage`."""
    if said["type"] == "error":
        heard.is_error = True
    elif "credits_consumed" in said.get("usage", {}):
        heard.charged = said["usage"]["credits_consumed"]
