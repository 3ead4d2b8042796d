"""Whether this process lives (/healthz) and whether it can serve (/readyz)."""

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

_PATIENCE_S = 2.0


@public
@require_safe
@never_cache
def alive(request: HttpRequest) -> JsonResponse:
    """Say that the process answers; what stands behind it is `ready`'s question."""
    return JsonResponse({"status": "ok"})


@public
@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """Check all that a request may need: 200, or 503 with what is missing."""
    database = _database_trouble()
    checks = {
        "database": database,
        "migrations": "unknown: the database does not answer" if database else _unapplied(),
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


def _unapplied() -> str:
    missing = _shipped() - MigrationRecorder(connection).applied_migrations().keys()
    if not missing:
        return ""
    app, name = min(missing)
    return f"{len(missing)} not applied, the first is {app}.{name}: run manage.py migrate"


@cache
def _shipped() -> frozenset[tuple[str, str]]:
    """Read the migrations' files once: they change with a deploy, not while we run."""
    return frozenset(MigrationLoader(None).disk_migrations)


def _redis_trouble() -> str:
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=_PATIENCE_S, socket_connect_timeout=_PATIENCE_S
        ) as client:
            client.ping()
    except (redis.RedisError, ValueError):  # ValueError: REDIS_URL is not set
        return "does not answer"
    return ""
