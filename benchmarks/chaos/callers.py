"""Callers that make calls at a steady rate and record the result of each."""

import asyncio
import random
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import aiohttp
import msgspec

_TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=5)


@dataclass
class CallResult:
    """One call as its caller saw it; `charged` is None if no price was received.

    `is_unanswered` means that neither an answer's end nor the connection's came.
    """

    url: str
    is_stream: bool
    began: float  # by the monotonic clock
    status: int | None = None
    request_id: UUID | None = None
    charged: int | None = None
    is_error: bool = False
    is_unanswered: bool = False
    seconds: float = 0.0

    @property
    def ended(self) -> float:
        """When its caller saw its end."""
        return self.began + self.seconds

    @property
    def is_served(self) -> bool:
        """Whether it got what it asked for."""
        return self.charged is not None and not self.is_error


class Callers:
    """Half of the calls stream; each goes to a random gateway."""

    def __init__(self, *, urls: list[str], tokens: list[str], model: str, per_second: float):
        self._urls = urls
        self._tokens = tokens
        self._model = model
        self._pause_s = 1 / per_second
        self.results: list[CallResult] = []

    async def call_for(self, seconds: float) -> None:
        """Make calls for `seconds`, then wait for the last to end."""
        began = time.monotonic()
        calls: list[asyncio.Task[None]] = []
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        async with aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT) as session:
            while time.monotonic() - began < seconds:
                calls.append(asyncio.create_task(self._call(session)))
                due_at = began + len(calls) * self._pause_s
                await asyncio.sleep(max(0.0, due_at - time.monotonic()))
            await asyncio.gather(*calls)

    async def _call(self, session: aiohttp.ClientSession) -> None:
        result = CallResult(
            url=random.choice(self._urls),
            is_stream=random.random() < 0.5,
            began=time.monotonic(),
        )
        self.results.append(result)
        # A process was killed; the result keeps what arrived before.
        try:
            await self._post(session, result)
        except TimeoutError:
            result.is_unanswered = True
        except (aiohttp.ClientError, OSError):
            pass
        result.seconds = time.monotonic() - result.began

    async def _post(self, session: aiohttp.ClientSession, result: CallResult) -> None:
        body = {
            "model": self._model,
            "max_tokens": 100,
            "stream": result.is_stream,
            "messages": [{"role": "user", "content": "Hello"}],
        }
        headers = {"authorization": f"Bearer {random.choice(self._tokens)}"}
        url = f"{result.url}/v1/messages"
        async with session.post(url, json=body, headers=headers) as response:
            result.status = response.status
            result.request_id = UUID(response.headers["request-id"].removeprefix("req_"))
            if response.content_type == "text/event-stream":
                async for line in response.content:
                    _read_line(result, line)
            else:
                _read(result, msgspec.json.decode(await response.read()))


def _read_line(result: CallResult, line: bytes) -> None:
    if line.startswith(b"data: ") and line.endswith(b"\n"):
        _read(result, msgspec.json.decode(line[6:]))


def _read(result: CallResult, message: dict[str, Any]) -> None:
    """Read a plain answer, or an event of a stream: both have the price in their `usage`."""
    if message["type"] == "error":
        result.is_error = True
    elif "credits_consumed" in message.get("usage", {}):
        result.charged = message["usage"]["credits_consumed"]
