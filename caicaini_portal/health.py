"""Liveness (/healthz) and readiness (/readyz) of this process.

The answers go to strangers: they name the server that fails, without address or cause.
"""

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

_TIMEOUT_S = 2.0


@public
@require_safe
@never_cache
def alive(request: HttpRequest) -> JsonResponse:
    """Return 200: the process answers. Its servers are checked by `ready`."""
    return JsonResponse({"status": "ok"})


@public
@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """Check everything that a request may need: 200, or 503 that names what is missing."""
    database = _database_trouble()
    checks = {
        "database": database,
        "migrations": "unknown: the database does not answer" if database else _migration_trouble(),
        "redis": _redis_trouble(),
    }
    is_ready = not any(checks.values())
    body = {
        "status": "ready" if is_ready else "not ready",
        "checks": {name: trouble or "ok" for name, trouble in checks.items()},
    }
    return JsonResponse(body, status=200 if is_ready else 503)


def _database_trouble() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "does not answer"
    return ""


def _migration_trouble() -> str:
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
            settings.REDIS_URL, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S
        ) as client:
            client.ping()
    except (redis.RedisError, ValueError):  # ValueError: REDIS_URL is not set
        return "does not answer"
    return ""
