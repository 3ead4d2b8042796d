"""Tells this process's supervisor that the process is ready, or has begun to stop.

systemd passes the address of a datagram socket (`Type=notify`, see sd_notify(3)), `bin/up` the
number of an open pipe. Without either, nothing is sent.
"""

import contextlib
import os
import socket

PIPE = "CAICAINI_NOTIFY_FD"
_SYSTEMD = "NOTIFY_SOCKET"
_READY = b"READY=1\n"
_STOPPING = b"STOPPING=1\n"


def ready() -> None:
    """Report that requests will be answered from now on."""
    _send(_READY)


def stopping() -> None:
    """Report that no further connections are accepted."""
    _send(_STOPPING)


def _send(notice: bytes) -> None:
    """Send it if somebody listens. A supervisor that has gone must not disturb the process."""
    pipe, address = os.environ.get(PIPE), os.environ.get(_SYSTEMD)
    with contextlib.suppress(OSError, ValueError):
        if pipe:
            os.write(int(pipe), notice)
        elif address:
            _send_to(address, notice)


def _send_to(address: str, notice: bytes) -> None:
    # An @ stands for the zero byte of an abstract address.
    path = "\0" + address[1:] if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        sender.sendto(notice, path)
