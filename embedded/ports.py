"""TCP ports: a free one for a server, whether one is taken, whether HTTP answers on it."""

import errno
import http.client
import socket
import time

from embedded.errors import BadSetting, PortInUse

LOOPBACK = "127.0.0.1"


_given: set[int] = set()


def free_port() -> int:
    """Return a loopback port nobody listens on now; another each time, since it may take a while
    until somebody does. Another process may still take it first."""
    while True:
        with socket.socket() as probe:
            probe.bind((LOOPBACK, 0))
            port = int(probe.getsockname()[1])
        if port not in _given:
            _given.add(port)
            return port


def require_free(*, host: str, port: int, patience_s: float = 0) -> None:
    """Raise PortInUse or BadSetting unless `host`:`port` can be listened on.

    With patience it may become free first: a process that was just killed counts as dead a moment
    before the system has closed what it held.
    """
    give_up_at = time.monotonic() + patience_s
    while True:
        try:
            return _listen_once(host, port)
        except PortInUse:
            if time.monotonic() >= give_up_at:
                raise
            time.sleep(0.05)


def _listen_once(host: str, port: int) -> None:
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise BadSetting(f"HOST={host} is no address of this machine.") from error
    family, kind, protocol, _, address = addresses[0]
    with socket.socket(family, kind, protocol) as probe:
        # Connections of the run before, still in TIME_WAIT, are no hindrance.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
            probe.listen()
        except OSError as error:
            raise _explained(error, host=host, port=port) from error


def answers(host: str, port: int, path: str, *, name: str = "") -> bool:
    """Whether a GET of the path is answered with 200; `name` is the Host to ask for."""
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
