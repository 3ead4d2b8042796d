"""/healthz and /readyz of a process without a gateway; tests/gateway/runtime/ has the rest."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client

from embedded import ports
from tests.support.waiting import eventually

PROJECT = Path(__file__).resolve().parents[2]
ASK = (
    "import django; django.setup(); from django.test import Client\n"
    "for path in ('/healthz', '/readyz'):\n"
    "    answer = Client(headers={'host': 'localhost'}).get(path)\n"
    "    print(answer.status_code, answer.content.decode())\n"
)


def ask(**env: str) -> list[tuple[int, dict[str, object]]]:
    """Request both from a process of its own, which may have another database and Redis."""
    output = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ASK],
        cwd=PROJECT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "caicaini_portal.settings", **env},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    answers = [line.partition(" ") for line in output.splitlines()]
    return [(int(status), json.loads(body)) for status, _, body in answers]


@pytest.mark.django_db(transaction=True)
def test_a_process_whose_gateway_does_not_run_is_not_ready(client: Client) -> None:
    def are_known() -> bool:
        """Reading the migrations for the first time takes longer than the answer may."""
        return bool(checks_of(client)["migrations"] == "ok")

    eventually(are_known, what="the migrations")
    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json() == {
        "status": "not ready",
        "checks": {
            "database": "ok",
            "migrations": "ok",
            "redis": "ok",
            "gateway": "not started in this process",
        },
    }
    assert "no-store" in answer["Cache-Control"]


def test_without_a_database_it_lives_but_is_not_ready() -> None:
    nowhere = f"postgresql://nobody@{ports.LOOPBACK}:{ports.free_port()}/none"

    (alive, _), (ready, body) = ask(DATABASE_URL=nowhere)

    assert (alive, ready) == (200, 503)
    checks = body["checks"]
    assert isinstance(checks, dict)
    assert checks["database"] == "does not answer"
    assert checks["migrations"] == "unknown: the database does not answer"


def test_without_redis_it_lives_but_is_not_ready() -> None:
    (alive, _), (ready, body) = ask(REDIS_URL="redis://127.0.0.1:1/0")

    assert (alive, ready) == (200, 503)
    assert body["checks"]["redis"] == "does not answer"  # type: ignore[index]


@pytest.mark.django_db(transaction=True)
def test_a_migration_that_was_not_applied_is_named(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM django_migrations WHERE app = 'keys' AND name LIKE '0001%'"
            " RETURNING app, name, applied"
        )
        row = cursor.fetchone()
    try:
        eventually(lambda: "keys.0001_initial" in checks_of(client)["migrations"])
    finally:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, %s)", row
            )


def checks_of(client: Client) -> dict[str, str]:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    checks: dict[str, str] = answer.json()["checks"]
    return checks
