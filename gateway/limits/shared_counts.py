"""What all processes have counted of a workspace's rate limits, read from Redis for a page."""

from redis.exceptions import RedisError

from gateway.limits.rate_limiter import FIELDS, WINDOW_S, Limits, RateLimitState, key_of, state_at
from web.shared_redis import shared_redis


class CountsUnavailable(Exception):
    """Redis is unavailable; the limits then hold per process, and no page can say how far."""


def read(workspace_id: int, *, limits: Limits, redis_url: str, now: float) -> RateLimitState:
    """Return the state of both limits, at most a fifth of a second old. Raises CountsUnavailable.

    `now` is Unix time. Nothing is counted.
    """
    minute = int(now // WINDOW_S)
    keys = [key_of(workspace_id, one) for one in (minute, minute - 1)]
    try:
        pipeline = shared_redis(redis_url).pipeline(transaction=False)
        for key in keys:
            pipeline.hmget(key, list(FIELDS))
        rows = pipeline.execute()
    except (RedisError, OSError) as error:
        raise CountsUnavailable from error
    current, previous = ([int(count or 0) for count in row] for row in rows)
    return state_at(now, limits, current=current, previous=previous)
