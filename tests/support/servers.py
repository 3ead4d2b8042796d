"""The product's web server as its own process, started as `bin/up` does."""

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

from embedded import ports, web_server
from embedded.subprocesses import PROJECT
from tests.support.waiting import eventually

_START_WINDOW_S = 60


class WebServer:
    """One process that serves portal and gateway."""

    def __init__(
        self, *, env: Mapping[str, str], log: Path, listener: socket.socket | None = None
    ) -> None:
        """Start it on a port of its own, or on a socket that it inherits."""
        window_s = int(env.get("DRAIN_WINDOW_S", "20"))
        if listener is None:
            self.port = ports.free_port()
            command = web_server.command(
                host=ports.LOOPBACK, port=self.port, drain_window_s=window_s
            )
        else:
            self.port = listener.getsockname()[1]
            command = web_server.command_on_socket(listener.fileno(), drain_window_s=window_s)
        self.url = f"http://{ports.LOOPBACK}:{self.port}"
        self._log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                pass_fds=[listener.fileno()] if listener else [],
                cwd=PROJECT,
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def await_ready(self) -> None:
        """Wait until it can serve; fail with its log if it exits."""

        def is_ready() -> bool:
            assert self._process.poll() is None, f"the server ended:\n{self.log()}"
            return ports.answers(ports.LOOPBACK, self.port, "/readyz")

        eventually(is_ready, within_s=_START_WINDOW_S, what="the server's readiness")

    def accepts(self) -> bool:
        """Whether it accepts new connections."""
        try:
            socket.create_connection((ports.LOOPBACK, self.port), timeout=5).close()
        except OSError:
            return False
        return True

    def log(self) -> str:
        """Return the server's log."""
        return self._log.read_text(errors="replace")

    def memory_bytes(self) -> int:
        """Return the memory of the process that is its own: files that it maps do not count."""
        memory = psutil.Process(self._process.pid).memory_full_info()
        return int(memory.uss)

    def open_sockets(self) -> int:
        """Return the number of its open sockets."""
        count = 0
        for descriptor in Path(f"/proc/{self._process.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed during the loop
                count += os.readlink(descriptor).startswith("socket:")
        return count

    def is_connected_to(self, port: int) -> bool:
        """Whether it is connected to that port of this machine."""
        connections = psutil.Process(self._process.pid).net_connections("tcp")
        return any(one.raddr and one.raddr.port == port for one in connections)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the process."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    def ask_to_stop(self) -> None:
        """Send SIGTERM to the main process, as a supervisor does."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()

    def wait(self, *, within_s: float) -> int:
        """Return the exit code."""
        return self._process.wait(within_s)

    def stop(self) -> None:
        """Stop it: SIGTERM, then SIGKILL after 10 s."""
        self.ask_to_stop()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        self.send_signal(signal.SIGKILL)
        self._process.wait()


@contextlib.contextmanager
def running(
    *, env: Mapping[str, str], log: Path, listener: socket.socket | None = None
) -> Iterator[WebServer]:
    """Run a server for the block; it is ready when the block begins."""
    server = WebServer(env=env, log=log, listener=listener)
    try:
        server.await_ready()
        yield server
    finally:
        server.stop()
