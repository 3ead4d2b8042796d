"""The processes of the product and Valkey, each of which can be killed, paused and restarted."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.chaos.cause import Cause
from benchmarks.chaos.postgres import Postgres
from embedded import ports, valkey, web_server
from embedded.subprocesses import PROJECT
from tests.support.own_postgres import OwnPostgres
from tests.support.waiting import eventually

_CELERY = (sys.executable, "-m", "celery", "-A", "caicaini_portal")


class Process:
    """A process that can be killed, paused and restarted."""

    def __init__(self, name: str, command: Sequence[str], env: Mapping[str, str], log: Path):
        self.name = name
        self._command = command
        self._env = {**os.environ, **env}
        self._log = log / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.own_endings: list[str] = []  # how it ended without being killed

    def ensure_running(self) -> None:
        """Start it unless it is running."""
        if self._process is not None:
            if self._process.poll() is None:
                return
            self.own_endings.append(f"{self.name} ended by itself: {self._process.returncode}")
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                cwd=PROJECT,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self) -> None:
        """Kill it and its children."""
        if self._process is not None:
            self._signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def pause(self, seconds: float) -> None:
        """Stop it and its children for a while."""
        self._signal(signal.SIGSTOP)
        time.sleep(seconds)
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


class Gateway(Process):
    """A web process. Until it answers again after a fault, its callers have reason to complain."""

    def __init__(
        self, number: int, env: Mapping[str, str], folder: Path, causes: list[Cause]
    ) -> None:
        self.port = ports.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = web_server.command(host=ports.LOOPBACK, port=self.port)
        super().__init__(f"gateway-{number}", command, env, folder)
        self._causes = causes
        self._down_since: float | None = None

    def kill(self) -> None:
        """Kill it; it is down until it was started and answers."""
        if self._down_since is None:
            self._down_since = time.monotonic()
        super().kill()

    def pause(self, seconds: float) -> None:
        """Stop it for a while."""
        began = time.monotonic()
        super().pause(seconds)
        self._causes.append(Cause(f"paused {self.name}", began, time.monotonic(), self.url))

    def has_returned(self) -> bool:
        """Whether it answers again after it was killed; the first time ends the cause."""
        if self._down_since is not None and self.answers("/healthz"):
            self._causes.append(Cause(self.name, self._down_since, time.monotonic(), self.url))
            self._down_since = None
        return self._down_since is None

    def answers(self, path: str) -> bool:
        """Whether it answers 200 for the path."""
        return ports.answers(ports.LOOPBACK, self.port, path, name="localhost")


class Valkey(Process):
    """The Redis of the run, on the same port after each restart."""

    def __init__(self, folder: Path, log: Path):
        self._service = valkey.service(folder)
        self.url = self._service.exports["REDIS_URL"]
        super().__init__("valkey", self._service.child.command, {}, log)


class Processes:
    """All processes; `causes` grows with each fault that concerns calls."""

    def __init__(self, server: OwnPostgres, folder: Path, *, catalogue: Path):
        self.causes: list[Cause] = []
        self.postgres = Postgres(server, self.causes)
        self.valkey = Valkey(folder, folder)
        self.env = {
            "DATABASE_URL": server.url,
            "REDIS_URL": self.valkey.url,
            "DATA_DIR": str(folder),
            "CATALOGUE": str(catalogue),
            "RATE_LIMITS": "requests=1000000000,input_tokens=1000000000000",
            "LOG_LEVEL": "WARNING",
        }
        self.gateways = [Gateway(number, self.env, folder, self.causes) for number in range(2)]
        self.worker = Process(
            "worker",
            (*_CELERY, "worker", "--concurrency", "1", "--without-gossip", "--without-mingle"),
            self.env,
            folder,
        )
        beat = ("beat", "--schedule", str(folder / "beat-schedule"), "--pidfile", "")
        self.beat = Process("beat", (*_CELERY, *beat), self.env, folder)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Start all processes for the block, and kill them at its end."""
        try:
            self.ensure_running()
            for gateway in self.gateways:
                eventually(lambda: gateway.answers("/healthz"), what=gateway.name)  # noqa: B023
            yield
        finally:
            for process in self._all:
                process.kill()

    def ensure_running(self) -> None:
        """Restart the processes that were killed, and note those that answer again."""
        self.postgres.ensure_running()
        for process in self._all:
            process.ensure_running()
        for gateway in self.gateways:
            gateway.has_returned()

    @property
    def urls(self) -> list[str]:
        """The gateways' addresses."""
        return [gateway.url for gateway in self.gateways]

    @property
    def _all(self) -> list[Process]:
        return [self.valkey, *self.gateways, self.worker, self.beat]

    @property
    def own_endings(self) -> list[str]:
        """Which processes ended without being killed."""
        return [ending for process in self._all for ending in process.own_endings]
