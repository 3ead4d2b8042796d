"""A process that is suspended inside a transaction loses its locks within seconds."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from embedded.subprocesses import PROJECT
from server import database_session
from tests.billing.top_ups.shop import database_url
from tests.support import books
from tests.support.waiting import eventually

AS_A_COMMAND = "import django; django.setup()"
AS_A_WEB_PROCESS = "import caicaini_portal.asgi"
AS_A_WORKER = "from caicaini_portal.celery import app; app.loader.import_default_modules()"
LOCK = """
import time
from django.db import transaction
from billing.models import Wallet
with transaction.atomic():
    Wallet.objects.select_for_update().get(pk={wallet_id})
    print("locked", flush=True)
    while Wallet.objects.exists():
        time.sleep(0.1)
"""


@contextmanager
def holding_lock(start: str, wallet_id: int) -> Iterator[subprocess.Popen[str]]:
    """Run a process that has locked a wallet and continues its transaction."""
    process = subprocess.Popen(
        [sys.executable, "-c", start + LOCK.format(wallet_id=wallet_id)],
        cwd=PROJECT,
        env={
            **os.environ,
            "DATABASE_URL": database_url(),
            "DJANGO_SETTINGS_MODULE": "caicaini_portal.settings",
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def is_free(wallet_id: int) -> bool:
    """Whether the wallet is not locked."""
    with psycopg.connect(books.database_url()) as other:
        row = other.execute(
            "SELECT 1 FROM billing_wallet WHERE id = %s FOR UPDATE SKIP LOCKED", [wallet_id]
        ).fetchone()
    return row is not None


@pytest.mark.parametrize(
    "start", [AS_A_COMMAND, AS_A_WEB_PROCESS, AS_A_WORKER], ids=["command", "web", "worker"]
)
@pytest.mark.django_db(transaction=True)
def test_it_loses_its_locks_within_seconds(start: str) -> None:
    wallet_id = books.open_books(100).wallet_id
    with holding_lock(start, wallet_id) as process:
        assert not is_free(wallet_id)

        process.send_signal(signal.SIGSTOP)

        eventually(lambda: is_free(wallet_id), within_s=20, what="the end of the lock")


def test_session_options_of_the_address_are_kept() -> None:
    given = {"sslmode": "require", "keepalives_idle": "60", "options": "-c search_path=ours"}

    options = database_session.options(given)

    assert (options["sslmode"], options["keepalives_idle"]) == ("require", "60")
    assert "idle_in_transaction_session_timeout" in options["options"]
    assert options["options"].endswith(" -c search_path=ours")  # PostgreSQL applies the last one
