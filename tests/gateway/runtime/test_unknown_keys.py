"""Made-up keys: a lane of their own, turns by address, and a limit for each address."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.errors import InvalidApiKey, LedgerUnavailable, RateLimited
from gateway.runtime import key_cache
from gateway.runtime.key_cache import KeyRing
from gateway.runtime.unknown_keys import UnknownKeys
from keys import tokens
from keys.gateway_queries import CachedKey

KEY = CachedKey(7, 3, None, False, [])


class Table:
    """The keys that exist, and what was asked; `is_open` lets look-ups finish."""

    def __init__(self) -> None:
        self.keys: dict[bytes, CachedKey] = {}
        self.asked: list[list[bytes]] = []
        self.is_open = asyncio.Event()
        self.is_open.set()

    async def look_up(self, digests: list[bytes]) -> dict[bytes, CachedKey]:
        self.asked.append(digests)
        await self.is_open.wait()
        return {one: self.keys[one] for one in digests if one in self.keys}

    @asynccontextmanager
    async def connection(self, timeout: float) -> AsyncIterator["Table"]:  # noqa: ASYNC109
        yield self

    async def execute(self, _query: str, parameters: list[Any]) -> "Rows":
        found = await self.look_up(parameters[0])
        return Rows([(digest, *key) for digest, key in found.items()])


class Rows:
    def __init__(self, rows: list[tuple[Any, ...]]) -> None:
        self._rows = rows

    async def fetchall(self) -> list[tuple[Any, ...]]:
        return self._rows


async def test_many_unknown_keys_are_one_query_at_a_time_and_addresses_take_turns() -> None:
    table = Table()
    table.is_open.clear()
    table.keys[b"real"] = KEY
    unknown = UnknownKeys(table.look_up)
    first = unknown.find(b"first", "a")
    await asyncio.sleep(0)
    flood = [unknown.find(b"%d" % number, "a") for number in range(99)]
    real = unknown.find(b"real", "b")
    assert table.asked == [[b"first"]]

    table.is_open.set()

    assert await real == KEY
    assert await first is None
    await asyncio.gather(*flood)
    assert len(table.asked) == 2
    assert b"real" in table.asked[1][:2]


async def test_an_address_that_asks_for_too_many_waits_and_another_does_not() -> None:
    table, now = Table(), [0.0]
    table.keys[b"real"] = KEY
    unknown = UnknownKeys(table.look_up, clock=lambda: now[0])
    for number in range(60):
        assert await unknown.find(b"%d" % number, "a") is None

    with pytest.raises(RateLimited):
        unknown.find(b"next", "a")
    assert await unknown.find(b"real", "b") == KEY
    now[0] = 11.0
    assert await unknown.find(b"next", "a") is None


async def test_keys_that_exist_are_not_counted() -> None:
    table = Table()
    unknown = UnknownKeys(table.look_up)
    for number in range(200):
        table.keys[b"%d" % number] = KEY
        assert await unknown.find(b"%d" % number, "a") == KEY


def ring(table: Table) -> KeyRing:
    return KeyRing(table, is_answering=lambda: True)


async def test_a_flood_does_not_touch_a_known_key_of_the_same_address() -> None:
    table, token = Table(), tokens.new_token()
    table.keys[tokens.digest(token)] = KEY
    keys = ring(table)
    assert await keys.authenticate(token, address=lambda: "a") == KEY
    outcomes: set[type[Exception]] = set()
    for _ in range(100):
        try:
            await keys.authenticate(tokens.new_token(), address=lambda: "a")
        except (InvalidApiKey, RateLimited) as error:
            outcomes.add(type(error))

    assert outcomes == {InvalidApiKey, RateLimited}
    assert await keys.authenticate(token, address=lambda: "a") == KEY


async def test_calls_take_the_last_state_of_a_key_while_the_next_is_fetched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(key_cache, "FRESH_FOR_S", 0.0)
    table, token = Table(), tokens.new_token()
    digest = tokens.digest(token)
    table.keys[digest] = KEY
    keys = ring(table)
    await keys.authenticate(token, address=lambda: "a")
    table.is_open.clear()

    assert await keys.authenticate(token, address=lambda: "a", may_be_stale=True) == KEY
    waiting = asyncio.create_task(keys.authenticate(token, address=lambda: "a"))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    table.keys[digest] = KEY._replace(is_revoked=True)
    table.is_open.set()

    with pytest.raises(InvalidApiKey):
        await waiting
    with pytest.raises(InvalidApiKey):
        await keys.authenticate(token, address=lambda: "a", may_be_stale=True)
    monkeypatch.setattr(key_cache, "_STALE_FOR_S", 0.0)
    table.is_open.clear()
    monkeypatch.setattr(key_cache, "_BUSY_TURNS", 2)
    with pytest.raises(LedgerUnavailable):
        await keys.authenticate(token, address=lambda: "a", may_be_stale=True)


async def test_a_stale_key_that_has_expired_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_cache, "FRESH_FOR_S", 0.0)
    table, token = Table(), tokens.new_token()
    soon = datetime.now(UTC) + timedelta(milliseconds=50)
    table.keys[tokens.digest(token)] = KEY._replace(expires_at=soon)
    keys = ring(table)
    await keys.authenticate(token, address=lambda: "a")
    await asyncio.sleep(0.06)

    with pytest.raises(InvalidApiKey):
        await keys.authenticate(token, address=lambda: "a", may_be_stale=True)
