"""Starts, observes and ends the processes of the servers that are measured."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
import psutil

from benchmarks.gateway.load import LoadSpec, Measurement
from embedded import web_server
from embedded.ports import free_port

PROJECT = Path(__file__).resolve().parents[2]
UVICORN = ("uvicorn", *web_server.OPTIONS, "--log-level", "warning")


class Server(NamedTuple):
    """A server that is measured."""

    name: str
    port: int
    process: subprocess.Popen[bytes]

    def rss_mib(self) -> float:
        """Return the resident memory of the largest process behind the port, in MiB."""
        main = psutil.Process(self.process.pid)
        family = [main, *main.children(recursive=True)]
        return max(float(one.memory_info().rss) for one in family) / 2**20

    def cpu_s(self) -> float:
        """Return the processor time that all its processes have used, in seconds."""
        main = psutil.Process(self.process.pid)
        times = [one.cpu_times() for one in (main, *main.children(recursive=True))]
        return sum(float(one.user + one.system) for one in times)


@contextmanager
def served(name: str, command: Sequence[str], env: dict[str, str]) -> Iterator[Server]:
    """Run `python -m COMMAND --host … --port …` until the block ends."""
    port = free_port()
    where = ("--host", "127.0.0.1", "--port", str(port))
    with running([sys.executable, "-m", *command, *where], env) as process:
        _await_port(port)
        yield Server(name, port, process)


@contextmanager
def running(
    command: Sequence[str], env: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command in the project until the block ends."""
    process = subprocess.Popen(command, cwd=PROJECT, env=os.environ | (env or {}))
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def load(server: Server, spec: LoadSpec) -> Measurement:
    """Run a load against a server, in a process of its own."""
    with loading(server, spec) as result:
        return result()


@contextmanager
def loading(server: Server, spec: LoadSpec) -> Iterator[Callable[[], Measurement]]:
    """Run a load during the block, which is given a function that waits for its result."""
    as_json = msgspec.json.encode(msgspec.structs.replace(spec, port=server.port)).decode()
    command = [sys.executable, "-m", "benchmarks.gateway.load", as_json]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:

        def result() -> Measurement:
            printed, _ = process.communicate(timeout=300)
            if process.returncode:
                raise subprocess.CalledProcessError(process.returncode, command)
            return msgspec.json.decode(printed, type=Measurement)

        try:
            yield result
        finally:
            process.kill()


def _await_port(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError(f"nothing listens on port {port}")
