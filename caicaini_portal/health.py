"""Liveness (/healthz) and readiness (/readyz) of this process.

The answers go to strangers: they name the part that fails, without address or cause.
"""

from collections.abc import Callable
from functools import cache

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.access import public
from caicaini_portal.bounded_check import BoundedCheck, results
from gateway.runtime import health as gateway_health

_REDIS_TIMEOUT_S = 2.0
_NO_ANSWER = "does not answer"


@public
@require_safe
@never_cache
def alive(request: HttpRequest) -> JsonResponse:
    """Return 200, or 503 for a fault that a restart of this process cures.

    An outage of PostgreSQL or Redis is none: see gateway/runtime/liveness.py.
    """
    gateway = gateway_health.current()
    faults = gateway.liveness.faults if gateway else []
    if faults:
        body = {"status": "faulty", "checks": dict.fromkeys(faults, "does not work")}
        return JsonResponse(body, status=503)
    return JsonResponse({"status": "ok"})


@public
@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """Check everything that a request may need: 200, or 503 that names what is missing.

    It answers within half a second, whatever does not: the checks run side by side.
    """
    checks = dict(_CHECKS)
    gateway = gateway_health.current()
    if gateway is None:
        checks["gateway"] = _GATEWAY_MISSING
    else:
        checks |= _bounded(gateway)
    troubles = results(checks, otherwise=_NO_ANSWER)
    if troubles["database"]:
        troubles["migrations"] = "unknown: the database does not answer"
    is_ready = not any(troubles.values())
    body = {
        "status": "ready" if is_ready else "not ready",
        "checks": {name: trouble or "ok" for name, trouble in troubles.items()},
    }
    return JsonResponse(body, status=200 if is_ready else 503)


def _database_trouble() -> str:
    return _in_database(lambda: "", otherwise=_NO_ANSWER)


def _migration_trouble() -> str:
    return _in_database(_missing_migrations, otherwise="unknown")


def _in_database(ask: Callable[[], str], *, otherwise: str) -> str:
    """Ask on a connection of this thread, and return it to the pool."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return ask()
    except DatabaseError:
        return otherwise
    finally:
        connection.close()


def _missing_migrations() -> str:
    missing = _shipped_migrations() - MigrationRecorder(connection).applied_migrations().keys()
    if not missing:
        return ""
    app, name = min(missing)
    return f"{len(missing)} not applied, the first is {app}.{name}: run manage.py migrate"


@cache
def _shipped_migrations() -> frozenset[tuple[str, str]]:
    """Read the migration files once: they change only with a deploy."""
    return frozenset(MigrationLoader(None).disk_migrations)


def _redis_trouble() -> str:
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL,
            socket_timeout=_REDIS_TIMEOUT_S,
            socket_connect_timeout=_REDIS_TIMEOUT_S,
        ) as client:
            client.ping()
    except (redis.RedisError, ValueError):  # ValueError: REDIS_URL is not set
        return _NO_ANSWER
    return ""


_CHECKS = {
    "database": BoundedCheck(_database_trouble),
    "migrations": BoundedCheck(_migration_trouble),
    "redis": BoundedCheck(_redis_trouble),
}
_GATEWAY_MISSING = BoundedCheck(lambda: "not started in this process")


@cache
def _bounded(gateway: gateway_health.GatewayHealth) -> dict[str, BoundedCheck]:
    """Return the gateway's checks; a process has one gateway."""
    return {name: BoundedCheck(check) for name, check in gateway.checks.items()}
