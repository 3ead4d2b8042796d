"""TCP ports: find a free one, check that one is free, check that HTTP answers on it."""

import errno
import fcntl
import http.client
import os
import secrets
import socket
import tempfile
import time
from functools import cache
from pathlib import Path

from embedded.errors import BadSetting, PortInUse

LOOPBACK = "127.0.0.1"
_BACKLOG = 2048  # like uvicorn's
# Below those that systems give to outgoing connections: one of these could take a port between its
# choice and the start of its server.
_RANGE = range(15_000, 32_000)
_handed_out: set[int] = set()


def free_port() -> int:
    """Return a loopback port on which nothing listens. As long as this process lives, neither it
    nor another process of this user is given the same one: its server may start much later."""
    while True:
        port = secrets.choice(_RANGE)
        if port not in _handed_out and _is_free(port) and _is_ours(port):
            _handed_out.add(port)
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _is_ours(port: int) -> bool:
    """Whether no other process was given it: each locks a byte of one file for each port."""
    try:
        fcntl.lockf(_locks(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return True


@cache
def _locks() -> int:
    # Never closed: that would end all locks that this process has in the file.
    path = Path(tempfile.gettempdir()) / f"caicaini-ports-{os.getuid()}"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def require_free(*, host: str, port: int, within_s: float = 0) -> None:
    """Raise PortInUse or BadSetting unless `host`:`port` can be listened on.

    Waits up to `within_s` for the port to become free: the system closes a killed process's sockets
    a moment after the process has ended.
    """
    give_up_at = time.monotonic() + within_s
    while True:
        try:
            return listen(host, port).close()
        except PortInUse:
            if time.monotonic() >= give_up_at:
                raise
            time.sleep(0.05)


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket, for children to inherit. Raises PortInUse or BadSetting."""
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise BadSetting(f"HOST={host} is not an address of this machine.") from error
    # Of a name with both kinds of addresses, the IPv4 address: every client tries that one.
    family, kind, protocol, _, address = min(addresses, key=lambda one: one[0])
    listener = socket.socket(family, kind, protocol)
    # Connections of an earlier run, still in TIME_WAIT, must not count as in use.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise _explained(error, host=host, port=port) from error
    return listener


def answers(host: str, port: int, path: str, *, name: str = "") -> bool:
    """Whether GET returns 200 for the path; `name` is the Host header to send."""
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", path, headers={"Host": name} if name else {})
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _explained(error: OSError, *, host: str, port: int) -> Exception:
    if error.errno == errno.EADDRINUSE:
        return PortInUse(
            f"Port {port} is in use by another program: stop it, or choose another port, "
            f"for example PORT={port + 1 if port < 65535 else 8000} bin/up."
        )
    if error.errno == errno.EACCES:
        return BadSetting(
            f"PORT={port} needs rights this user does not have: choose one above 1023."
        )
    return BadSetting(f"HOST={host} cannot be listened on: {(error.strerror or '').lower()}.")
