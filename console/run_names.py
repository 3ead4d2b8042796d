"""The names by which pages know their runs before they know a request id.

A page that stops a run before its answer begins has received no header, and so no id to look the
charge up by. Each run is therefore sent with a random name, and Redis keeps for some minutes which
request id it was given. Without Redis a page learns the id from the answer alone.
"""

import logging
import re
from uuid import UUID

import redis.asyncio
from django.conf import settings
from redis.exceptions import RedisError

from accounts.models import Membership
from console.admission import Member
from web.shared_redis import shared_redis

logger = logging.getLogger(__name__)

HEADER = b"caicaini-run-name"
KEPT_FOR_S = 600
_NAME = re.compile(r"run_[0-9a-f]{32}")


async def keep(client: redis.asyncio.Redis, member: Member, name: str, request_id: UUID) -> None:
    """Keep the request id of a run; a text that is no name is ignored."""
    if not is_name(name):
        return
    key = _key(member.user_id, member.workspace_id, name)
    try:
        await client.set(key, request_id.bytes, ex=KEPT_FOR_S)
    except (RedisError, OSError) as error:
        logger.debug("the name of run req_%s is not kept: %s", request_id.hex, error)


def request_id_of(membership: Membership, name: str) -> UUID | None:
    """Return the request id of one of the member's own runs in this workspace, if it is kept."""
    key = _key(membership.user_id, membership.workspace_id, name)
    try:
        stored = shared_redis(settings.REDIS_URL).get(key)
    except (RedisError, OSError) as error:
        logger.warning("the request id of a run is unknown: %s", error)
        return None
    return UUID(bytes=stored) if isinstance(stored, bytes) else None


def is_name(text: str) -> bool:
    """Whether this is the name of a run."""
    return _NAME.fullmatch(text) is not None


def _key(user_id: int, workspace_id: int, name: str) -> str:
    return f"console:{name}:{user_id}:{workspace_id}"
