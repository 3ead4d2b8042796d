"""The builds that are attacked: each with a database, limits and tenants of its own.

Attacks, honest callers and tenants come from this checkout, so that both builds get the same; only
the server is the build's own, and the commands that fill its database.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import psutil
import psycopg
import redis

from benchmarks.gateway import run as gateway
from benchmarks.gateway.processes import PROJECT, UVICORN
from embedded.ports import LOOPBACK, answers, free_port
from tests.support.waiting import eventually

_PRODUCT = "caicaini_portal.asgi:application"
_TENANT = PROJECT / "benchmarks" / "abuse" / "tenant.py"
_START_WINDOW_S = 120


class Keys(NamedTuple):
    """The keys of the tenants: two honest ones, and the hostile ones as attacks take them."""

    small: str
    large: str
    hostile: list[str]


class Build(NamedTuple):
    """A state of the project, by the name that the report gives it."""

    name: str
    folder: Path
    env: Mapping[str, str]
    keys: Keys


def prepared(name: str, folder: Path, *, upstream_port: int, number: int) -> Build:
    """Make the database and the tenants of a build. Builds have different numbers: 0 takes the
    servers of this run as they are."""
    env = _own_env(folder, number)
    catalogue = gateway.write_catalogue(Path(env["DATA_DIR"]), upstream_port)
    env["CATALOGUE"] = str(catalogue)
    honest = gateway.filled(folder, env)
    [large] = _tenant(folder, env, "large@example.com", credits=10**9, keys=1)
    poor = _tenant(folder, env, "hostile@example.com", credits=1, keys=3)
    [paying] = _tenant(folder, env, "paying@example.com", credits=10**9, keys=1)
    return Build(name, folder, env, Keys(honest, large, [*poor, paying]))


@contextmanager
def served(build: Build) -> Iterator[tuple[int, psutil.Process]]:
    """Run a web process of the build, with its limits as they are shipped and none of them used."""
    with redis.Redis.from_url(build.env["REDIS_URL"]) as client:
        client.flushdb()
    port = free_port()
    command = [sys.executable, "-m", *UVICORN, _PRODUCT, "--host", LOOPBACK, "--port", f"{port}"]
    process = subprocess.Popen(
        command, cwd=build.folder, env={**build.env, "LOG_LEVEL": "CRITICAL"}
    )
    try:
        _await_ready(process, port, build.name)
        yield port, psutil.Process(process.pid)
    finally:
        process.kill()
        process.wait()


def _await_ready(process: "subprocess.Popen[bytes]", port: int, name: str) -> None:
    def is_over() -> bool:
        return process.poll() is not None or answers(LOOPBACK, port, "/readyz")

    eventually(is_over, within_s=_START_WINDOW_S, what="the web process")
    if process.poll() is not None:
        raise RuntimeError(f"the web process of the build {name} does not start")


def _own_env(folder: Path, number: int) -> dict[str, str]:
    env = {**os.environ, "PYTHONPATH": str(folder)}
    if not number:
        return env
    name = f"build_{number}"
    with psycopg.connect(env["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    data_dir = Path(env["DATA_DIR"]) / name
    data_dir.mkdir(mode=0o700)
    return env | {
        "DATABASE_URL": _with_path(env["DATABASE_URL"], name),
        "REDIS_URL": _with_path(env["REDIS_URL"], f"{number}"),
        "DATA_DIR": str(data_dir),
    }


def _with_path(url: str, path: str) -> str:
    return urlsplit(url)._replace(path=f"/{path}").geturl()


def _tenant(
    folder: Path, env: Mapping[str, str], email: str, *, credits: int, keys: int
) -> list[str]:
    # As a file, and without its folder on the path: the build may lack this benchmark.
    command = [sys.executable, "-P", str(_TENANT), email, f"{credits}", f"{keys}"]
    env = {**env, "DJANGO_SETTINGS_MODULE": "caicaini_portal.settings"}
    done = subprocess.run(
        command, cwd=folder, env=env, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout.split()
