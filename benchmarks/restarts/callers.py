"""Callers that keep their connections, and record how each call ended."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import msgspec

# Far longer than any answer takes: a call that reaches it was left unanswered.
_TIMEOUT = aiohttp.ClientTimeout(total=150)
# Some callers pause for so long between two calls that their connections are idle at a restart.
_PAUSING_CALLERS = 10
_LONGEST_PAUSE_S = 8.0


@dataclass
class Outcome:
    """One call as its caller saw it.

    `loss` says how the connection failed it: refused, reset, cut, unanswered. `refusal` is an error
    that the gateway answered. `began_at` is a moment of `time.monotonic`.
    """

    is_stream: bool
    loss: str = ""
    refusal: str = ""
    began_at: float = 0.0
    seconds: float = 0.0


@dataclass
class Callers:
    """A number of streams at any time, and plain calls at a steady rate."""

    url: str
    tokens: list[str]
    model: str
    streams: int
    per_second: float
    outcomes: list[Outcome] = field(default_factory=list)
    _is_over: asyncio.Event = field(default_factory=asyncio.Event)

    async def call(self) -> None:
        """Make calls until `end`, then wait for the last to be answered."""
        async with _session() as session, asyncio.TaskGroup() as group:
            for _ in range(self.streams):
                group.create_task(self._repeat(session, is_stream=True, longest_pause_s=0))
            for _ in range(_PAUSING_CALLERS):
                group.create_task(self._pause_between_calls())
            began = time.monotonic()
            count = 0
            while not self._is_over.is_set():
                group.create_task(self._record(session, is_stream=False))
                count += 1
                await asyncio.sleep(max(0.0, began + count / self.per_second - time.monotonic()))

    def end(self) -> None:
        """Begin no further calls."""
        self._is_over.set()

    async def _pause_between_calls(self) -> None:
        async with _session() as session:  # a connection of its own
            await self._repeat(session, is_stream=False, longest_pause_s=_LONGEST_PAUSE_S)

    async def _repeat(
        self, session: aiohttp.ClientSession, *, is_stream: bool, longest_pause_s: float
    ) -> None:
        while not self._is_over.is_set():
            await self._record(session, is_stream=is_stream)
            await asyncio.sleep(random.uniform(0, longest_pause_s))

    async def _record(self, session: aiohttp.ClientSession, *, is_stream: bool) -> None:
        outcome = Outcome(is_stream, began_at=time.monotonic())
        try:
            await self._post(session, outcome)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            outcome.loss = f"{type(error).__name__}: {error}"
        outcome.seconds = time.monotonic() - outcome.began_at
        self.outcomes.append(outcome)

    async def _post(self, session: aiohttp.ClientSession, outcome: Outcome) -> None:
        body = {
            "model": self.model,
            "max_tokens": 100,
            "stream": outcome.is_stream,
            "messages": [{"role": "user", "content": "Hello"}],
        }
        headers = {"authorization": f"Bearer {random.choice(self.tokens)}"}
        async with session.post(self.url, json=body, headers=headers) as response:
            if response.status != 200:
                outcome.refusal = f"{response.status}: {(await response.text())[:200]}"
            elif outcome.is_stream:
                await _read_stream(response, outcome)
            else:
                _require_price(msgspec.json.decode(await response.read()), outcome)


async def _read_stream(response: aiohttp.ClientResponse, outcome: Outcome) -> None:
    last: dict[str, Any] = {}
    async for line in response.content:
        if line.startswith(b"data: "):
            last = msgspec.json.decode(line[6:])
    if last.get("type") == "error":
        outcome.refusal = f"error event: {last['error']['type']}"
    elif last.get("type") != "message_stop":
        outcome.loss = f"cut after {last.get('type', 'nothing')}"


def _require_price(answer: dict[str, Any], outcome: Outcome) -> None:
    if "credits_consumed" not in answer.get("usage", {}):
        outcome.loss = "an answer without its price"


@asynccontextmanager
async def _session() -> AsyncIterator[aiohttp.ClientSession]:
    """Yield a client that keeps connections for longer than the server, and repeats no POST."""
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=600)
    async with aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT) as session:
        yield session
