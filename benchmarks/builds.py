"""States of the project that are measured side by side, each with a database of its own.

Load comes from this checkout, so that all builds get the same; only the server is the build's own,
and the commands that fill its database.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import psycopg
import redis

from benchmarks.gateway import workspace
from benchmarks.gateway.processes import UVICORN, Server
from embedded.ports import LOOPBACK, answers, free_port
from tests.support.waiting import eventually

_PRODUCT = "caicaini_portal.asgi:application"
_START_WINDOW_S = 120


class Build(NamedTuple):
    """A state of the project, by the name that the report gives it; `key` has enough credits."""

    name: str
    folder: Path
    env: Mapping[str, str]
    key: str


def prepared(name: str, folder: Path, *, upstream_port: int, number: int) -> Build:
    """Make the database of a build and a workspace. Builds have different numbers: 0 takes the
    servers of this run as they are."""
    env = _own_env(folder, number)
    catalogue = workspace.write_catalogue(Path(env["DATA_DIR"]), upstream_port)
    env["CATALOGUE"] = str(catalogue)
    return Build(name, folder, env, workspace.filled(folder, env))


@contextmanager
def served(build: Build, env: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Run a web process of the build, with none of its limits used; `env` is added to its own."""
    with redis.Redis.from_url(build.env["REDIS_URL"]) as client:
        client.flushdb()
    port = free_port()
    command = [sys.executable, "-m", *UVICORN, _PRODUCT, "--host", LOOPBACK, "--port", f"{port}"]
    process = subprocess.Popen(
        command, cwd=build.folder, env={**build.env, "LOG_LEVEL": "CRITICAL", **(env or {})}
    )
    try:
        _await_ready(process, port, build.name)
        yield Server(build.name, port, process)
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
