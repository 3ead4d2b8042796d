"""The last refused call of each workspace, kept in Redis for a day.

A new user's first calls are often refused, and a page that waits for them can say why. The gateway
writes it; pages read it. Redis may be unavailable: then there is none.
"""

import logging
from datetime import datetime
from functools import cache

import msgspec
import redis
from django.conf import settings

logger = logging.getLogger(__name__)

KEPT_FOR_S = 86_400
_TIMEOUT_S = 0.25
_LONGEST_MESSAGE = 500


class Refusal(msgspec.Struct, frozen=True):
    """One refused call, with the message that its caller received."""

    request_id: str
    key_id: int
    at: datetime
    status: int
    type: str
    message: str

    def encoded(self) -> bytes:
        """Return it as Redis keeps it."""
        message = self.message[:_LONGEST_MESSAGE]
        return msgspec.json.encode(msgspec.structs.replace(self, message=message))


def redis_key(workspace_id: int) -> str:
    """Return the name under which Redis has a workspace's refusal."""
    return f"refusal:{workspace_id}"


def last_refusal(workspace_id: int) -> Refusal | None:
    """Return the workspace's last refused call of today, if Redis has one."""
    try:
        stored = _client(settings.REDIS_URL).get(redis_key(workspace_id))
        return msgspec.json.decode(stored, type=Refusal) if isinstance(stored, bytes) else None
    except (redis.RedisError, msgspec.DecodeError, ValueError) as error:
        logger.warning("the last refusal of workspace %s is unknown: %s", workspace_id, error)
        return None


@cache
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S)
