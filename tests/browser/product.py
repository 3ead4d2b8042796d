"""The whole product as a user starts it: `bin/up`, with its own data folder and port."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from embedded import orphans, paths, ports, subprocesses, web_server
from embedded.orphans import CHILD_OF, ChildRegistry
from embedded.subprocesses import PROJECT, Child
from tests.support.waiting import eventually

# Like a new user's shell, without the addresses of the test run's own servers. CHILD_OF lets the
# next test run end the orphans of one that was killed.
_KEPT = ("PATH", "HOME", "LANG", CHILD_OF)
_START_WINDOW_S = 300
_STOP_WINDOW_S = 180
_END_WINDOW_S = 10


class Product:
    """One `bin/up` and its processes."""

    def __init__(self, data_dir: Path, **env: str) -> None:
        self.data_dir = data_dir
        self.port = ports.free_port()
        self.url = f"http://localhost:{self.port}"
        self._output = data_dir.with_suffix(".out")
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        start = Child(
            name="up",
            title="bin/up",
            command=(str(PROJECT / "bin/up"),),
            env={**kept, "DATA_DIR": str(data_dir), "PORT": str(self.port), **env},
        )
        with self._output.open("ab") as output:
            self._process = subprocesses.spawn(start, output=output, mark={})  # it ends with us

    def await_ready(self) -> None:
        """Wait until it prints that it is ready; fail with its output if it exits."""

        def is_ready() -> bool:
            assert self._process.poll() is None, f"bin/up ended:\n{self.output()}"
            return "Ctrl-C stops everything." in self.output()

        eventually(is_ready, within_s=_START_WINDOW_S, what="bin/up's readiness")

    def output(self) -> str:
        """Return its output."""
        return self._output.read_text()

    def restart(self) -> None:
        """Send SIGHUP: it replaces its web processes."""
        self._process.send_signal(signal.SIGHUP)

    def web_processes(self) -> set[int]:
        """Return the ids of its web processes."""
        found = set()
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                if web_server.APPLICATION in process.cmdline():
                    found.add(process.pid)
        return found

    @property
    def database_url(self) -> str:
        """The address of its database."""
        endpoints = json.loads((self.data_dir / "embedded.json").read_text())
        return str(endpoints["database_url"])

    def run_code(self, code: str) -> None:
        """Run Django code on its database."""
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        env = {**kept, "DATA_DIR": str(self.data_dir), "PORT": str(self.port)}
        command = [sys.executable, "manage.py", "shell", "--verbosity=0", "-c", code]
        subprocess.run(command, cwd=PROJECT, env=env, check=True)

    def stop(self) -> int:
        """Send SIGTERM; return the exit code."""
        self._process.terminate()
        return self._process.wait(_STOP_WINDOW_S)

    def processes(self) -> list[psutil.Process]:
        """Return all processes on the data folder."""
        return [process for process in _running() if self._owns(process)]

    def remaining(self) -> list[psutil.Process]:
        """Return the processes that a stop left; a killed one gets some seconds to end."""
        return orphans.await_end(self.processes(), within_s=_END_WINDOW_S)

    def files_with(self, text: str) -> list[Path]:
        """Return the files of the data folder and the database that contain the text."""
        roots = [self.data_dir, (self.data_dir / "postgres").resolve()]
        files = [path for root in roots for path in root.rglob("*") if path.is_file()]
        return [path for path in files if text.encode() in _bytes_of(path)]

    def remove(self) -> None:
        """End the processes that a failed stop left, and delete the database."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        ChildRegistry(self.data_dir).end_orphans()
        paths.remove(self.data_dir)

    def _owns(self, process: psutil.Process) -> bool:
        with contextlib.suppress(psutil.Error):
            return str(self.data_dir) in process.environ().values()
        return False


@contextlib.contextmanager
def running(data_dir: Path, **env: str) -> Iterator[Product]:
    """Run the product for the block; it is ready when the block begins.

    `env` is added to its environment. SIGTERM ends it, and no process of it may remain.
    """
    product = Product(data_dir, **env)
    try:
        product.await_ready()
        assert product.processes(), "nothing runs on the data folder"
        yield product
        assert product.stop() == 0, product.output()
        remaining = product.remaining()
        assert not remaining, remaining
    finally:
        product.remove()


def _bytes_of(path: Path) -> bytes:
    """Read the file; empty if a server has deleted it."""
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes()
    return b""


def _running() -> Iterator[psutil.Process]:
    """Yield running processes. Without an init, a container keeps ended ones as zombies."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE:
                yield process
