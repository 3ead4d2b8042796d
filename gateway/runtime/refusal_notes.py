"""Writes the last refused call of each workspace to Redis, for its pages to show the reason."""

import asyncio
import logging
from datetime import UTC, datetime
from uuid import UUID

import redis.asyncio as redis
from redis.exceptions import RedisError

from gateway.errors import GatewayError, UpstreamRefused
from keys.gateway_queries import CachedKey
from usage import refusals
from usage.refusals import Refusal

logger = logging.getLogger(__name__)

_WRITE_EVERY_S = 0.5
_REDIS_TIMEOUT_S = 0.25
# Between two writes the refusals of this many workspaces are kept; those of others are dropped.
_MOST_WORKSPACES = 1_000
_MODEL_REFUSED = "The model's server rejects the request. The answer to the call says why."


class RefusalNotes:
    """The newest refusal of each workspace since the last write; noting one does no I/O."""

    def __init__(self, *, redis_url: str) -> None:
        self._redis = redis.Redis.from_url(
            redis_url, socket_timeout=_REDIS_TIMEOUT_S, socket_connect_timeout=_REDIS_TIMEOUT_S
        )
        self._noted: dict[int, Refusal] = {}

    def note(self, key: CachedKey, request_id: UUID, error: GatewayError) -> None:
        """Keep a refused call until the next write."""
        if len(self._noted) >= _MOST_WORKSPACES and key.workspace_id not in self._noted:
            return
        self._noted[key.workspace_id] = Refusal(
            request_id=f"req_{request_id.hex}",
            key_id=key.id,
            at=datetime.now(UTC),
            status=error.status,
            type=error.type,
            message=_storable_message(error),
        )

    async def write(self) -> None:
        """Write what was noted, until cancelled."""
        while True:
            await asyncio.sleep(_WRITE_EVERY_S)
            if self._noted:
                await self._write_noted()

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _write_noted(self) -> None:
        """Send all to Redis at once; while it is unavailable they are lost."""
        noted, self._noted = self._noted, {}
        pipeline = self._redis.pipeline(transaction=False)
        for workspace_id, refusal in noted.items():
            name = refusals.redis_key(workspace_id)
            pipeline.set(name, refusal.encoded(), ex=refusals.KEPT_FOR_S)
        try:
            await pipeline.execute()
        except (RedisError, OSError) as error:
            logger.debug("refusals of %s workspaces not noted: %s", len(noted), error)


def _storable_message(error: GatewayError) -> str:
    """Return the message without an upstream's words, which may quote the prompt."""
    return _MODEL_REFUSED if isinstance(error, UpstreamRefused) else error.message
