"""Migrations run while the version before serves, and give up rather than block it."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db.migrations import AddIndex, CreateModel, Migration, RunSQL
from django.db.migrations.loader import MigrationLoader
from pytest_django import DjangoDbBlocker

from billing.audit.report import audit
from embedded.subprocesses import PROJECT
from tests.support import gateway_database
from tests.support.books import Books, open_books
from tests.support.old_process import OldProcess
from tests.support.own_postgres import OwnPostgres, own_postgres, served_by
from tests.support.waiting import eventually

# The last migrations of the version that calls `gateway_apply`.
BEFORE = (("accounts",), ("usage", "0005_partition_of_a_month"))
# These were written before the rule, for tables that were small or new.
OLDER_THAN_THE_RULE = {
    ("accounts", "0002_portal_cache"),
    ("billing", "0003_audit_runs"),
    ("billing", "0004_stripe"),
    ("billing", "0006_nothing_twice"),
    ("usage", "0003_record_moments"),
}
OURS = {"accounts", "billing", "catalogue", "gateway", "keys", "usage"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[OwnPostgres]:
    with own_postgres(tmp_path) as running:
        yield running


def migrate(server: OwnPostgres, *target: str) -> None:
    gateway_database.manage("migrate", "--no-input", *target, env={"DATABASE_URL": server.url})


@contextmanager
def old_calls(url: str, books: Books) -> Iterator[list[int]]:
    """Make calls as the version before does; the charges are complete after the block."""
    charges: list[int] = []
    failures: list[Exception] = []
    stopping = threading.Event()

    def work() -> None:
        try:
            with psycopg.connect(url, autocommit=True) as connection:
                old = OldProcess(connection)
                while not stopping.is_set():
                    call = books.call(20)
                    assert old.reserve(call)[0] == ["admitted"]
                    charges.extend(old.close(call, actual=9)[1])
        except Exception as error:  # noqa: BLE001 (raised below)
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        eventually(lambda: charges or failures, what="the first call")
        yield charges
    finally:
        stopping.set()
        thread.join()
    assert failures == []


@contextmanager
def columns_of_today(server: OwnPostgres) -> Iterator[None]:
    """Give wallets the columns that today's code names in its statements, for the block."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(
            "ALTER TABLE billing_wallet ADD frozen_for text DEFAULT '', ADD unfrozen_at timestamptz"
        )
        yield
        connection.execute("ALTER TABLE billing_wallet DROP frozen_for, DROP unfrozen_at")


def test_the_version_before_makes_calls_during_and_after_the_migrations(
    server: OwnPostgres, django_db_blocker: DjangoDbBlocker
) -> None:
    for target in BEFORE:
        migrate(server, *target)
    with django_db_blocker.unblock(), served_by(server.url):
        with columns_of_today(server):
            books = open_books(1_000_000)
        with old_calls(server.url, books) as charges:
            migrate(server)
            after = len(charges)
            eventually(lambda: len(charges) > after, what="a call after the migrations")

        assert set(charges) == {9}
        assert (books.wallet().posted, books.wallet().held) == (1_000_000 - sum(charges), 0)
        assert len(books.usage()) == len(charges)
        assert audit().findings == []


def test_a_migration_that_cannot_lock_a_table_is_undone_and_can_be_repeated(
    server: OwnPostgres,
) -> None:
    migrate(server, "billing", "0005_holds_by_their_key")
    with psycopg.connect(server.url) as other:
        other.execute("LOCK TABLE billing_wallet IN ROW EXCLUSIVE MODE")
        done = subprocess.run(
            [sys.executable, "manage.py", "migrate", "--no-input"],
            cwd=PROJECT,
            env={**os.environ, "DATABASE_URL": server.url},
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert "CommandError: A migration could not lock a table" in done.stderr
    assert "Traceback" not in done.stderr
    migrate(server)


def test_indexes_of_tables_with_rows_are_built_concurrently() -> None:
    """Otherwise every write waits until the index is complete."""
    wrong = {
        (migration.app_label, migration.name)
        for migration in MigrationLoader(None).disk_migrations.values()
        if migration.app_label in OURS and builds_an_index(migration)
    }

    assert wrong <= OLDER_THAN_THE_RULE


def builds_an_index(migration: Migration) -> bool:
    """Whether it adds an index to a table of before, with writers waiting."""
    made = {one.name.lower() for one in migration.operations if isinstance(one, CreateModel)}
    by_sql = " ".join(str(one.sql) for one in migration.operations if isinstance(one, RunSQL))
    made |= set(re.findall(r"CREATE TABLE (\w+)", by_sql))
    return any(
        isinstance(one, AddIndex)
        and not isinstance(one, AddIndexConcurrently)
        and one.model_name.lower() not in made
        for one in migration.operations
    ) or any(
        "CREATE INDEX " in str(one.sql).upper() and not made
        for one in migration.operations
        if isinstance(one, RunSQL) and "CONCURRENTLY" not in str(one.sql).upper()
    )
