"""A database of the gateway tests' own, made the way a deploy makes it.

The gateways commit for real, in processes of their own: on the database of Django's test runner
their rows would meet the flushes and roll-backs of other tests.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg
from django.conf import settings
from django.db import connection
from psycopg import sql

from embedded.subprocesses import PROJECT

_IDLE = "-c idle_in_transaction_session_timeout"
_MAY_IDLE = f"options={quote(f'{_IDLE}=0')}"


@contextlib.contextmanager
def fresh(purpose: str = "gateway") -> Iterator[str]:
    """Create an empty database for the block, and drop it after; return its URL.

    Those of different purposes exist side by side.
    """
    parts = urlsplit(settings.DATABASE_URL)
    name = f"test_{parts.path.lstrip('/')}_{purpose}"
    _drop(name)
    _execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield parts._replace(path=f"/{name}").geturl()
    finally:
        _drop(name)


@contextlib.contextmanager
def in_use(url: str) -> Iterator[None]:
    """Let Django's models in this process speak to the database for the block. Transactions may
    idle there, too."""
    name, options = (connection.settings_dict[one] for one in ("NAME", "OPTIONS"))
    patient = {**options, "options": f"{options['options']} {_IDLE}=0"}
    _switch_to(urlsplit(url).path.lstrip("/"), patient)
    try:
        yield
    finally:
        _switch_to(name, options)


def manage(*arguments: str, env: Mapping[str, str]) -> str:
    """Run manage.py; return what it prints."""
    return _run(str(PROJECT / "manage.py"), *arguments, env=env)


def prepare(*, env: Mapping[str, str]) -> None:
    """Migrate an empty database and load the catalogue, as a start of the product does."""
    _run("-m", "devtools.prepare", env=env)


def _run(*arguments: str, env: Mapping[str, str]) -> str:
    """Its transactions may idle: on a machine that is very busy it is not scheduled for seconds."""
    url = env.get("DATABASE_URL") or settings.DATABASE_URL
    patient = {"DATABASE_URL": f"{url}{'&' if '?' in url else '?'}{_MAY_IDLE}"}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=PROJECT,
        env={**os.environ, **env, **patient},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{arguments[1]} failed:\n{done.stdout}{done.stderr}"
    return done.stdout


def _switch_to(name: str, options: Mapping[str, Any]) -> None:
    connection.close()
    connection.settings_dict |= {"NAME": name, "OPTIONS": options}


def _drop(name: str) -> None:
    _execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _execute(statement: sql.Composed) -> None:
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as server:
        server.execute(statement)
