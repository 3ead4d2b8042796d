"""How many refusals have a row of their own, in all processes together, counted in Redis."""

import asyncio
import logging
from collections.abc import Mapping
from typing import NamedTuple

import redis.asyncio as redis
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

# Of a caller's refusals with the same error in the same minute, so many have a row each.
ROWS_A_MINUTE = 60
MINUTE_S = 60
# A batch is written within a second; what an outage delays may get rows of its own again.
_KEPT_FOR_S = 10 * MINUTE_S
_TIMEOUT_S = 1.0


class Place(NamedTuple):
    """The refusals that are counted together."""

    workspace_id: int
    key_id: int | None
    source: str
    error: str
    minute: int


class RefusalRows:
    """Grants rows in the order in which processes ask, once for each batch."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client
        self._is_unavailable = False

    async def take(self, wanted: Mapping[Place, int]) -> Mapping[Place, int]:
        """Return how many of the wanted rows each place may still have; a second time takes more.

        While Redis is unavailable that is all of them: the limit then holds for each process.
        """
        pipeline = self._redis.pipeline(transaction=False)
        for place, count in wanted.items():
            pipeline.incrby(_key_of(place), count)
            pipeline.expire(_key_of(place), _KEPT_FOR_S)
        try:
            async with asyncio.timeout(_TIMEOUT_S):  # the client's own retries take longer
                answers = await pipeline.execute()
        except (RedisError, OSError) as error:
            if not self._is_unavailable:
                logger.warning("Redis unavailable, refusals have rows per process: %s", error)
            self._is_unavailable = True
            return wanted
        self._is_unavailable = False
        counted = zip(wanted.items(), answers[::2], strict=True)
        return {
            place: max(0, min(count, ROWS_A_MINUTE - (total - count)))
            for (place, count), total in counted
        }


def _key_of(place: Place) -> str:
    key = "none" if place.key_id is None else place.key_id
    return f"refusals:{place.workspace_id}:{key}:{place.source}:{place.error}:{place.minute}"
