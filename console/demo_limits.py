"""How often visitors may run the demo: Redis counts for all processes; without it nothing runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import redis.asyncio as redis
from allauth.account.adapter import get_adapter
from django.core.exceptions import PermissionDenied
from django.utils.crypto import salted_hmac
from redis.exceptions import RedisError
from starlette.types import Scope

from console.errors import DemoBusy, DemoClosed, TooManyDemoRuns
from console.request_head import request_of
from web import networks

RUNS_PER_ADDRESS = 10
PER_S = 3600
RUNS_AT_ONCE = 5
# A run of a process that was killed stops counting after this; the others end long before.
_LONGEST_RUN_S = 120
_RUNNING = "demo:running"
# KEYS: the running calls by the time they stop counting; the runs of one address.
# ARGV: run, longest run, runs at once, runs per address, its seconds. A refused run is not counted.
_BEGIN = """
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then return {'busy', 1} end
if tonumber(redis.call('GET', KEYS[2]) or '0') >= tonumber(ARGV[4]) then
    return {'address', redis.call('TTL', KEYS[2])}
end
if redis.call('INCR', KEYS[2]) == 1 then redis.call('EXPIRE', KEYS[2], ARGV[5]) end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return {'ok', 0}
"""


@asynccontextmanager
async def counted(client: redis.Redis, scope: Scope, run_id: UUID) -> AsyncIterator[None]:
    """Count a run for the block. Raises TooManyDemoRuns, DemoBusy, DemoClosed."""
    await _begin(client, address_key(scope), run_id.hex)
    try:
        yield
    finally:
        with suppress(RedisError, OSError):  # then it stops counting by itself
            await client.zrem(_RUNNING, run_id.hex)


async def _begin(client: redis.Redis, address: str, run: str) -> None:
    limits = (_LONGEST_RUN_S, RUNS_AT_ONCE, RUNS_PER_ADDRESS, PER_S)
    try:
        answer, wait_s = await client.eval(_BEGIN, 2, _RUNNING, address, run, *limits)
    except (RedisError, OSError):
        raise DemoClosed from None
    if answer == b"busy":
        raise DemoBusy
    if answer == b"address":
        raise TooManyDemoRuns(retry_after_s=max(1, wait_s))


def address_key(scope: Scope) -> str:
    """Return the counter's name for a visitor's address: a keyed hash, so that none is stored.

    Visitors whose address is unknown share one counter.
    """
    digest = salted_hmac("console.demo_limits", _network(scope), algorithm="sha256").hexdigest()
    return f"demo:address:{digest[:32]}"


def _network(scope: Scope) -> str:
    """Return the address, of IPv6 its /64: a household or a server has as many as it likes."""
    try:
        address = get_adapter().get_client_ip(request_of(scope))
    except PermissionDenied:
        return networks.UNKNOWN
    return networks.network_of(address, ipv4_prefix=32)
